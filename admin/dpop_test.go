package admin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/prooftest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// boundService returns the API of the tenant for a client whose access token is bound to the key.
func (s *server) boundService(tenant string, key *prooftest.Key, scopes ...string) *api {
	s.Helper()
	t := s.tenant(tenant)
	value, hash := clients.NewSecret()
	c := storage.Client{
		TenantID: t.ID, ClientID: "bound", GrantTypes: []string{"client_credentials"}, DPoP: storage.DPoPRequire,
		TokenEndpointAuthMethod: "client_secret_basic", Scope: strings.Join(scopes, " "), SecretHashes: []string{hash},
		Audience: []string{t.URL(admin.Prefix)}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	check(s, s.store.PutClient(s.Context(), c))
	a := &api{server: s, tenant: t}
	for a.token == "" { // the first request gets a nonce
		form := url.Values{"grant_type": {"client_credentials"}}
		r := httptest.NewRequest(http.MethodPost, t.URL("/token"), strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("DPoP", key.Proof(r.Method, t.URL("/token"), ""))
		r.SetBasicAuth(c.ClientID, value)
		if got := a.answer(r); !key.Learn(got.header) {
			a.token = got.text("access_token")
		}
	}
	return a
}

// TestABoundTokenNeedsItsProof: RFC 9449, at an API below the path of a tenant.
func TestABoundTokenNeedsItsProof(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		for _, tenant := range []string{"", "acme"} {
			key := prooftest.New(s)
			a := s.boundService(tenant, key, "users:read", "users:write")
			users := a.tenant.URL(admin.Prefix + "/users")
			with := func(proof string) []string { return []string{"Authorization: DPoP " + a.token, "DPoP: " + proof} }
			get := func(proof string) *reply { return a.do("GET", "/users?limit=5", nil, with(proof)...) }
			good, thief := key.Proof("GET", users, a.token), prooftest.New(s)
			thief.Nonce = key.Nonce
			get(good).is(200)
			for why, got := range map[string]*reply{
				"invalid_token":      a.do("GET", "/users", nil),
				"used before":        get(good),
				"another method":     get(key.Proof("POST", users, a.token)),
				"another path":       get(key.Proof("GET", users+"/x", a.token)),
				"without the prefix": get(key.Proof("GET", strings.Replace(users, "/api/v1", "", 1), a.token)),
				"another key":        get(thief.Proof("GET", users, a.token)),
				"no ath":             get(key.Proof("GET", users, "")),
			} {
				code := "invalid_dpop_proof"
				if why == "invalid_token" {
					code = why
				}
				www := got.is(401, code).header.Get("WWW-Authenticate")
				if !strings.HasPrefix(www, "DPoP ") || !strings.Contains(www, `error="`+code+`"`) {
					s.Errorf("%s: got %s, want the challenge of DPoP", why, www)
				}
			}
			old := key.Nonce
			key.Nonce = "made-up"
			if got := get(key.Proof("GET", users, a.token)).is(401, "use_dpop_nonce"); got.header.Get("DPoP-Nonce") == "" {
				s.Error("got no nonce")
			}
			key.Nonce = old
			get(key.Proof("GET", users, a.token)).is(200)
		}
	})
}
