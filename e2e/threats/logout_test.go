package threats

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func logoutRows() []row {
	return []row{
		{"J1 signed out by another site", j1},
		{"J2 where to go afterwards", j2},
		{"J3 hints", j3},
		{"J4 after signing out", j4},
		{"J6 state", j6},
		{"J7 sessions that end elsewhere", j7},
	}
}

const signedOut = "https://rp.example/signed-out"

func leave(t *testing.T, b *vouchsafetest.Browser, pairs ...string) *vouchsafetest.Page {
	t.Helper()
	return b.Get(t, "/logout?"+vouchsafetest.Values(pairs...).Encode())
}

// wantSignedIn fails the test unless the session is still there.
func wantSignedIn(t *testing.T, b *vouchsafetest.Browser) {
	t.Helper()
	if a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")); a.Code() == "" {
		t.Errorf("the browser was signed out: %v", a.Params)
	}
}

func j1(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	tokens(t, s, b, vouchsafetest.NewRequest(web))
	for _, pairs := range [][]string{nil, {"client_id", "web"}, {"state", "x"}, {"id_token_hint", "x"},
		{"post_logout_redirect_uri", signedOut, "client_id", "web"}, {"logout_hint", "jo@example.com"}} {
		page := leave(t, b, pairs...)
		if page.Left != nil {
			t.Errorf("%v: the browser was sent to %s without a question", pairs, page.Left)
		}
		wantSignedIn(t, b)
	}
	b.PostFrom(t, "https://evil.example", "/logout", url.Values{})
	wantSignedIn(t, b)
	page := leave(t, b)
	for _, f := range page.Forms(t) {
		if answer := b.PostFrom(t, "https://evil.example", f.Action, f.Fields); answer.Status != 403 {
			t.Errorf("the answer to the question came from another site: got %d, want 403", answer.Status)
		}
	}
	wantSignedIn(t, b)
	b.ConfirmSignOut(t, leave(t, b))
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
}

func j2(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	hint := tokens(t, s, b, vouchsafetest.NewRequest(web)).ID()
	for _, mutant := range mutants {
		mutant = strings.ReplaceAll(strings.ReplaceAll(mutant, "callback", "signed-out"), "Callback", "Signed-Out")
		if page := leave(t, b, "id_token_hint", hint, "post_logout_redirect_uri", mutant); page.Left != nil {
			t.Errorf("%q: the browser was sent to %s", mutant, page.Left)
		}
		if page := leave(t, b, "client_id", "web", "post_logout_redirect_uri", mutant); page.Left != nil {
			t.Errorf("%q with client_id: the browser was sent to %s", mutant, page.Left)
		}
	}
	for _, uri := range []string{"https://other.example/signed-out", "https://rp.example/callback"} {
		if page := leave(t, b, "id_token_hint", hint, "post_logout_redirect_uri", uri); page.Left != nil {
			t.Errorf("%s, which is not its: the browser was sent to %s", uri, page.Left)
		}
	}
	// it was its client that asked
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
	// The request does not say which client it comes from: no redirect, not even after confirming.
	b = jo(t, s)
	tokens(t, s, b, vouchsafetest.NewRequest(web))
	page := leave(t, b, "post_logout_redirect_uri", signedOut)
	if strings.HasSuffix(page.URL.Path, "/signout") {
		page = b.ConfirmSignOut(t, page)
	}
	if page.Left != nil {
		t.Errorf("without hint and client_id: the browser was sent to %s", page.Left)
	}
	// With client_id, after confirming, the browser may go to what the client has registered, and
	// nowhere else.
	for _, uri := range []string{"https://evil.example/", signedOut + "/", "https://other.example/signed-out"} {
		b = jo(t, s)
		tokens(t, s, b, vouchsafetest.NewRequest(web))
		page = leave(t, b, "post_logout_redirect_uri", uri, "client_id", "web")
		if strings.HasSuffix(page.URL.Path, "/signout") {
			page = b.ConfirmSignOut(t, page)
		}
		if page.Left != nil {
			t.Errorf("%s with client_id and a yes: the browser was sent to %s", uri, page.Left)
		}
	}
	b = jo(t, s)
	tokens(t, s, b, vouchsafetest.NewRequest(web))
	page = b.ConfirmSignOut(t, leave(t, b, "post_logout_redirect_uri", signedOut, "client_id", "web", "state", "s"))
	if page.Left == nil || page.Left.String() != signedOut+"?state=s" {
		t.Errorf("with client_id and a yes: got %v at %s, want %s", page.Left, page.URL.Path, signedOut)
	}
}

func j3(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	own := tokens(t, s, b, vouchsafetest.NewRequest(web))
	foreign := tokens(t, s, s.Browser(t, s.Person(t)), vouchsafetest.NewRequest(web)).ID()
	parts := strings.Split(own.ID(), ".")
	for name, hint := range map[string]string{
		"alg none":         base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"a foreign key":    parts[0] + "." + parts[1] + "." + strings.Split(foreign, ".")[2],
		"another person's": foreign,
		"an access token":  own.Access(),
		"garbage":          "x.y.z",
	} {
		page := leave(t, b, "id_token_hint", hint, "post_logout_redirect_uri", signedOut)
		if page.Left != nil {
			t.Errorf("%s: the browser was sent to %s", name, page.Left)
		}
		wantSignedIn(t, b)
	}
	// The hint of one client does not serve another client's URI.
	page := leave(t, b, "id_token_hint", own.ID(), "client_id", "other", "post_logout_redirect_uri",
		"https://other.example/signed-out")
	if page.Left != nil {
		t.Errorf("another client's hint: the browser was sent to %s", page.Left)
	}
	wantSignedIn(t, b)
	// An expired hint of the client's own: with a question, or without.
	brief := tokens(t, s, b, vouchsafetest.NewRequest(vouchsafetest.Brief)).ID()
	time.Sleep(1200 * time.Millisecond)
	page = leave(t, b, "id_token_hint", brief, "post_logout_redirect_uri", signedOut)
	if page.Left == nil {
		page = b.ConfirmSignOut(t, page)
	}
	if page.Left == nil || page.Left.String() != signedOut {
		t.Errorf("an expired hint: got %v at %s, want to be signed out", page.Left, page.URL.Path)
	}
}

func j4(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	own := tokens(t, s, b, vouchsafetest.NewRequest(web))
	other := tokens(t, s, b, vouchsafetest.NewRequest(vouchsafetest.Other))
	cookies := b.Cookies()
	r := vouchsafetest.NewRequest(web)
	code := b.Code(t, r) // under way
	if page := leave(t, b, "id_token_hint", own.ID(), "post_logout_redirect_uri", signedOut); page.Left == nil {
		t.Fatalf("got %s, want to be signed out", page.URL.Path)
	}
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
	thief := s.Browser(t, b.Person)
	thief.SetCookies(cookies)
	wantError(t, thief.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
	wantDead(t, s, web, own)
	wantDead(t, s, vouchsafetest.Other, other) // it was not offline
	s.API(t).Redeem(t, r, code).Want(t, 400, "invalid_grant")
}

func j6(t *testing.T, s *vouchsafetest.Server) {
	for _, state := range []string{"a\r\nSet-Cookie: evil=1", `"><script>alert(1)</script>`, strings.Repeat("s", 3000),
		"a&error=x#y", "ü🙂", "%0d%0a"} {
		b := jo(t, s)
		hint := tokens(t, s, b, vouchsafetest.NewRequest(web)).ID()
		page := leave(t, b, "id_token_hint", hint, "post_logout_redirect_uri", signedOut, "state", state)
		if page.Left == nil {
			if page.Status < 400 || page.Status > 499 || strings.Contains(page.Body, "<script>alert") {
				t.Errorf("state %.30q: got %d at %s", state, page.Status, page.URL.Path)
			}
			continue
		}
		if got := page.Left.Query(); got.Get("state") != state || len(got) != 1 || page.Left.Fragment != "" {
			t.Errorf("state %.30q: got %s", state, page.Left)
		}
		for _, c := range page.Header.Values("Set-Cookie") {
			if strings.HasPrefix(c, "evil") {
				t.Errorf("state %.30q split a header", state)
			}
		}
	}
}
