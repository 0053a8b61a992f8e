package conformance

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func tokenModules() []module {
	return []module{
		{"oidcc-codereuse", codeReuse},
		{"oidcc-refresh-token", refreshToken},
	}
}

func codeReuse(t *testing.T, p *plan) {
	r := p.request()
	code := p.browser(t).Code(t, r)
	reply := p.api.Redeem(t, r, code).Want(t, 200, "")
	reused(t, p, r, code, reply)
}

// reused redeems the code again: it is refused, and the tokens that it gave stop working.
func reused(t *testing.T, p *plan, r *vouchsafetest.Request, code string, first *vouchsafetest.Reply) {
	t.Helper()
	p.api.Redeem(t, r, code).Want(t, 400, "invalid_grant")
	if info := p.api.Userinfo(t, first.Access()); info.Status != 401 {
		t.Errorf("user info with the access token of a code that was used twice: got %d, want 401", info.Status)
	}
	p.api.Renew(t, r.Client, first.Refresh()).Want(t, 400, "invalid_grant")
}

// TestConformanceAfterHalfAMinute: the module waits for half a minute between the two uses. This
// test uses the code first, lets the other modules run, and then uses it again.
func TestConformanceAfterHalfAMinute(t *testing.T) {
	vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
		p := &plan{Server: s, api: s.API(t), client: vouchsafetest.Web}
		r := p.request()
		code := p.browser(t).Code(t, r)
		first := p.api.Redeem(t, r, code).Want(t, 200, "")
		t.Run("oidcc-codereuse-30seconds", func(t *testing.T) {
			time.Sleep(30 * time.Second)
			reused(t, p, r, code, first)
		})
	})
}

func refreshToken(t *testing.T, p *plan) {
	r := p.request("scope", "openid email offline_access", "prompt", "consent")
	b := p.browser(t)
	first, id := p.signIn(t, b, r)
	if first.Refresh() == "" {
		t.Fatal("got no refresh token for offline_access")
	}
	secondPasses()
	second := p.api.Renew(t, p.client, first.Refresh()).Want(t, 200, "")
	if second.Access() == first.Access() || second.Refresh() == "" {
		t.Errorf("got %s, want a new access token and a refresh token", second.Raw)
	}
	renewed := p.api.IDToken(t, p.client, nil, second)
	for _, name := range []string{"iss", "sub", "auth_time", "azp", "sid"} {
		if id.Claims[name] != renewed.Claims[name] {
			t.Errorf("got %s %v, then %v in the renewed ID token, want the same", name, id.Claims[name], renewed.Claims[name])
		}
	}
	if renewed.Int("iat") <= id.Int("iat") {
		t.Errorf("got iat %d, then %d, want a later one", id.Int("iat"), renewed.Int("iat"))
	}
	if info := p.api.Userinfo(t, second.Access()); info.String("email") != "jo@example.com" {
		t.Errorf("user info with the renewed token: got %s", info.Raw)
	}
	// The second client cannot use it, and its attempt has no effect.
	p.api.Renew(t, p.second, second.Refresh()).Want(t, 400, "invalid_grant")
	p.api.Renew(t, p.client, second.Refresh()).Want(t, 200, "")
}
