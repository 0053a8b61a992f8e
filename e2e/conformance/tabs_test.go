package conformance

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestSignInsInSeveralTabs: each tab of a browser goes on with the request that it began. Users of other products
// reported "You are already logged in" in the second tab (keycloak/keycloak#12406), both tabs at one app's address
// (#36150), and "Cookie not found" after a sign-out in another tab (#21451, #46564).
func TestSignInsInSeveralTabs(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true})
	client := s.AddClient(t)
	b := s.Browser(t, s.Jo(t))
	api := s.API(t)
	type tab struct {
		request *vouchsafetest.Request
		page    *vouchsafetest.Page
	}
	open := func() tab {
		r := vouchsafetest.NewRequest(client)
		return tab{r, b.Get(t, r.Path())}
	}
	signsIn := func(name string, in tab) *vouchsafetest.Answer {
		t.Helper()
		a := b.Walk(t, in.request, in.page)
		if a.Code() == "" {
			t.Fatalf("%s: got %v at %s\n%.400s", name, a.Params, a.Page.URL.Path, a.Page.Text(t))
		}
		api.Redeem(t, in.request, a.Code()).Want(t, 200, "") // with the verifier of its own request
		return a
	}
	var tabs []tab // of yesterday, which the browser opens again at once
	for range 8 {
		tabs = append(tabs, open())
	}
	stale := open()
	for i := range tabs {
		in := tabs[len(tabs)-1-i]
		signsIn("a tab whose form is still there", in)
	}
	b.ConfirmSignOut(t, b.Get(t, "/logout"))
	if a := signsIn("a tab from before, after the sign-out", stale); len(a.Shown) == 0 {
		t.Error("the sign-out ended nothing")
	}
}

// TestAnOpenSignInPageGoesOnWithTheSession: a user who signed in in another tab, and reloads a page that still asks for
// a sign-in, is let on, and by a reload nothing is proven that the client wants proven anew. Users of other products
// had to sign in once more in each tab, or read that they were signed in already (keycloak/keycloak#12406).
func TestAnOpenSignInPageGoesOnWithTheSession(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true})
	client := s.AddClient(t)
	b := s.Browser(t, s.Jo(t))
	open := func(more ...string) *vouchsafetest.Page {
		return b.Get(t, vouchsafetest.NewRequest(client, more...).Path())
	}
	goesOn := func(name string, page *vouchsafetest.Page, want bool) {
		t.Helper()
		again := b.Get(t, page.URL.String())
		if on := again.Left != nil && again.Left.Query().Get("code") != ""; on != want {
			t.Errorf("%s: the browser goes on: %v, want %v; it is at %s", name, on, want, again.URL.Path)
		}
	}
	asked, proven, other := open(), open("prompt", "login"), open("login_hint", "mo@example.com")
	goesOn("without a session", asked, false)
	if b.Code(t, vouchsafetest.NewRequest(client)) == "" {
		t.Fatal("the user could not sign in")
	}
	goesOn("a request from before the sign-in", asked, true)
	goesOn("one with prompt=login from before the sign-in", proven, true)
	goesOn("one that means another user", other, false)
	goesOn("one with prompt=login from after the sign-in", open("prompt", "login"), false)
	goesOn("one with max_age=0 from after the sign-in", open("max_age", "0"), false)
	choose := *other.URL
	query := choose.Query()
	query.Del("as")
	query.Set("other", "1")
	choose.RawQuery = query.Encode()
	if page := b.Get(t, choose.String()); page.URL.Path != other.URL.Path {
		t.Errorf("a user who wants another account is sent to %s", page.URL)
	}
}
