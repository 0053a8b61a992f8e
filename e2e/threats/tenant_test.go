package threats

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func tenantRows() []row {
	return []row{
		{"N3 across tenants", n3},
		{"N4 tenants are separate", n4},
	}
}

// n3 tries every credential of one tenant at another that looks the same, with the same ids of
// clients, secrets and users.
func n3(t *testing.T, s *vouchsafetest.Server) {
	a, b := s.Tenant(t, "north-"+s.Name), s.Tenant(t, "south-"+s.Name)
	p := s.Jo(t)
	for _, tenant := range []*vouchsafetest.Server{a, b} {
		s.Command(t, p.Password+"\n", "user", "add", p.Email, "--verified", "--password-stdin", "--tenant", tenant.TenantID)
	}
	for _, pair := range [][2]*vouchsafetest.Server{{a, b}, {a, s}, {s, a}} {
		at, elsewhere := pair[0], pair[1]
		t.Run(at.TenantID+" at "+elsewhere.TenantID, func(t *testing.T) { foreign(t, p, at, elsewhere) })
	}
}

func foreign(t *testing.T, p vouchsafetest.Person, at, elsewhere *vouchsafetest.Server) {
	t.Helper()
	browser, api := at.Browser(t, p), elsewhere.API(t)
	r := vouchsafetest.NewRequest(web)
	letter := browser.Get(t, r.Path()).URL.Query().Get("i")
	code := browser.Code(t, r)
	own := tokens(t, at, browser, vouchsafetest.NewRequest(web))
	opaque := tokens(t, at, browser, vouchsafetest.NewRequest(vouchsafetest.Opaque))
	service := at.API(t).Token(t, vouchsafetest.Service, "grant_type", "client_credentials").Want(t, 200, "").Access()

	api.Redeem(t, r, code).Want(t, 400, "invalid_grant")
	api.Renew(t, web, own.Refresh()).Want(t, 400, "invalid_grant")
	for name, token := range map[string]string{"JWT": own.Access(), "opaque": opaque.Access(), "service": service} {
		if info := api.Userinfo(t, token); info.Status != 401 && info.Status != 403 {
			t.Errorf("%s access token: got %d %s from user info, want 401", name, info.Status, info.Raw)
		}
		for _, c := range []vouchsafetest.Client{web, vouchsafetest.Opaque, vouchsafetest.Inspector} {
			if api.Active(t, c, token) {
				t.Errorf("%s access token is active at another tenant", name)
			}
		}
		api.As(t, web, "/revoke", url.Values{"token": {token}})
	}
	api.As(t, web, "/revoke", url.Values{"token": {own.Refresh()}})
	wantAlive(t, at, own) // revocation elsewhere did nothing

	// In the browser, cookies and sealed requests belong to the tenant.
	there := elsewhere.Browser(t, p)
	there.SetCookies(browser.Cookies())
	wantError(t, there.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
	wantError(t, there.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none", "id_token_hint", own.ID())),
		"login_required", "invalid_request")
	if page := there.Get(t, "/authorize?i="+url.QueryEscape(letter)); page.Left != nil || page.Status != 400 {
		t.Errorf("a sealed request of another tenant: got %d, %v, want 400", page.Status, page.Left)
	}
	if page := there.Get(t, "/logout?id_token_hint="+own.ID()+"&post_logout_redirect_uri="+
		url.QueryEscape(signedOut)); page.Left != nil {
		t.Errorf("a hint of another tenant sent the browser to %s", page.Left)
	}

	// An assertion for one issuer is not valid for the other.
	k := vouchsafetest.Keyed()[0]
	assertion := k.Assertion(t, at.AssertionClaims(k.ID()))
	api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 401, "invalid_client")

	// Keys are the tenant's own.
	theirs := api.Keys(t)
	for _, key := range at.API(t).Keys(t).Keys {
		if len(theirs.Key(key.KeyID)) > 0 {
			t.Errorf("two tenants publish key %s", key.KeyID)
		}
	}
	at.API(t).Redeem(t, r, code).Want(t, 200, "") // and at home all of it is good
}

func n4(t *testing.T, s *vouchsafetest.Server) {
	id := "brief-" + s.Name
	tenant := s.Tenant(t, id)
	p := s.Jo(t)
	s.Command(t, "another password, for the same address\n", "user", "add", p.Email, "--verified",
		"--password-stdin", "--tenant", id)
	there := vouchsafetest.Person{Email: p.Email, Password: "another password, for the same address"}
	home := tokens(t, s, jo(t, s), vouchsafetest.NewRequest(web))
	away := tokens(t, tenant, tenant.Browser(t, there), vouchsafetest.NewRequest(web))
	if s.API(t).Verify(t, home.ID()).String("sub") == tenant.API(t).Verify(t, away.ID()).String("sub") {
		t.Error("one address in two tenants is one person")
	}
	b := tenant.Browser(t, p) // with the password of the other tenant
	if page := b.SignIn(t, b.Get(t, vouchsafetest.NewRequest(web).Path()), p); page.Left != nil {
		t.Error("the password of one tenant signs in at another")
	}
	s.Command(t, "", "tenant", "remove", id, "--yes")
	s.Refuses(t, "", "tenant", "add", id) // nothing can be inherited: the id is gone for good
	api := tenant.API(t)
	deadline(t, "a removed tenant is served", func() bool {
		return api.Do(t, api.Request(t, http.MethodGet, "/.well-known/openid-configuration", "",
			"")).Status == http.StatusNotFound
	})
	if got := api.As(t, web, "/token",
		vouchsafetest.Values("grant_type", "refresh_token", "refresh_token",
			away.Refresh())); got.Status != http.StatusNotFound {
		t.Errorf("a removed tenant's refresh token: got %d %s, want 404", got.Status, got.Raw)
	}
	wantAlive(t, s, home)
}
