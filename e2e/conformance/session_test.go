package conformance

import (
	"testing"
	"time"
)

func sessionModules() []module {
	return []module{
		{"oidcc-prompt-login", promptLogin},
		{"oidcc-prompt-none-not-logged-in", promptNoneNotLoggedIn},
		{"oidcc-prompt-none-logged-in", promptNoneLoggedIn},
		{"oidcc-id-token-hint", idTokenHint},
		{"oidcc-max-age-1", maxAge1},
		{"oidcc-max-age-10000", maxAge10000},
	}
}

// secondPasses waits for the next second, because times in tokens are in seconds.
func secondPasses() { time.Sleep(1100 * time.Millisecond) }

func promptLogin(t *testing.T, p *plan) {
	b := p.browser(t)
	_, first := p.signIn(t, b, p.request())
	secondPasses()
	r := p.request("prompt", "login")
	a := b.Authorize(t, r)
	if !a.Saw("/login") {
		t.Errorf("got pages %v, want the sign-in page again", a.Shown)
	}
	second := p.api.IDToken(t, p.client, r, p.api.Redeem(t, r, a.Code()).Want(t, 200, ""))
	if first.Int("auth_time") >= second.Int("auth_time") {
		t.Errorf("got auth_time %d after %d, want a later one", second.Int("auth_time"), first.Int("auth_time"))
	}
	if first.String("sub") != second.String("sub") {
		t.Errorf("got sub %s, then %s", first.String("sub"), second.String("sub"))
	}
}

func promptNoneNotLoggedIn(t *testing.T, p *plan) {
	p.fails(t, p.browser(t), p.request("prompt", "none"), "login_required")
}

func promptNoneLoggedIn(t *testing.T, p *plan) { silently(t, p, false) }

func idTokenHint(t *testing.T, p *plan) { silently(t, p, true) }

// silently signs in again without a page.
func silently(t *testing.T, p *plan, hint bool) {
	t.Helper()
	b := p.browser(t)
	reply, first := p.signIn(t, b, p.request())
	secondPasses()
	r := p.request("prompt", "none")
	if hint {
		r.Params.Set("id_token_hint", reply.ID())
	}
	a := b.Authorize(t, r)
	if len(a.Shown) > 0 || a.Code() == "" {
		t.Fatalf("got pages %v and %v, want a code and no page", a.Shown, a.Params)
	}
	second := p.api.IDToken(t, p.client, r, p.api.Redeem(t, r, a.Code()).Want(t, 200, ""))
	for _, name := range []string{"sub", "auth_time", "sid", "acr"} {
		if first.Claims[name] != second.Claims[name] {
			t.Errorf("got %s %v, then %v, want the same", name, first.Claims[name], second.Claims[name])
		}
	}
}

func maxAge1(t *testing.T, p *plan) {
	b := p.browser(t)
	_, first := p.signIn(t, b, p.request())
	secondPasses()
	r := p.request("max_age", "1")
	a := b.Authorize(t, r)
	if !a.Saw("/login") {
		t.Errorf("got pages %v, want the sign-in page again", a.Shown)
	}
	second := p.api.IDToken(t, p.client, r, p.api.Redeem(t, r, a.Code()).Want(t, 200, ""))
	if got := second.Int("auth_time"); got <= first.Int("auth_time") || time.Now().Unix()-got > 5 {
		t.Errorf("got auth_time %d after %d at %d, want a later and recent one", got,
			first.Int("auth_time"), time.Now().Unix())
	}
}

func maxAge10000(t *testing.T, p *plan) {
	b := p.browser(t)
	_, first := p.signIn(t, b, p.request("max_age", "10000"))
	secondPasses()
	r := p.request("max_age", "10000")
	a := b.Authorize(t, r)
	if len(a.Shown) > 0 {
		t.Errorf("got pages %v, want none", a.Shown)
	}
	second := p.api.IDToken(t, p.client, r, p.api.Redeem(t, r, a.Code()).Want(t, 200, ""))
	if first.Int("auth_time") == 0 || first.Int("auth_time") != second.Int("auth_time") {
		t.Errorf("got auth_time %d, then %d, want the same", first.Int("auth_time"), second.Int("auth_time"))
	}
}
