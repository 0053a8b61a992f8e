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
