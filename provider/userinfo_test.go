package provider

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

func bearer(token string) string { return "Authorization: Bearer " + token }

func TestUserinfo(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	token := s.tokens(s.client()).str("access_token")
	want := map[string]any{
		"sub": s.user.ID, "name": "Jo Doe", "given_name": "Jo", "family_name": "Doe", "locale": "de-CH",
		"preferred_username": "jo", "updated_at": float64(s.user.UpdatedAt.Unix()),
	}
	for name, r := range map[string]*http.Request{
		"GET":                      request("GET", "/userinfo", "", bearer(token)),
		"another spelling":         request("GET", "/userinfo", "", "Authorization: bearer "+token),
		"POST, header":             request("POST", "/userinfo", "", bearer(token)),
		"POST, header, empty form": request("POST", "/userinfo", "", bearer(token), formType),
		"POST, form":               request("POST", "/userinfo", "access_token="+token, formType),
		"POST, form with charset":  request("POST", "/userinfo", "access_token="+token, formType+"; charset=UTF-8"),
	} {
		a := s.do(r)
		if diff := cmp.Diff(want, a.body); diff != "" || a.status != http.StatusOK {
			t.Errorf("%s: got %d (-want +got):\n%s", name, a.status, diff)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q, want no-store", name, got)
		}
	}
}

// A4: what the registration keeps from a client, the claims parameter does not give it.
func TestClaimsParameterStaysWithinTheScopesOfTheClient(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.Scope = "openid email" })
	given := s.tokens(c, func(k *tokens.Code) {
		k.Scopes = []string{"openid"}
		k.Claims = []byte(`{"userinfo":{"name":null,"email":null},"id_token":{"name":{"essential":true},` +
			`"email":null,"auth_time":null}}`)
	})
	info := s.do(request("GET", "/userinfo", "", bearer(given.str("access_token")))).body
	for from, claims := range map[string]map[string]any{"userinfo": info, "ID token": payload(t, given.str("id_token"))} {
		if claims["name"] != nil || claims["email"] != "jo@example.com" {
			t.Errorf("%s: got %v, want email and no name", from, claims)
		}
	}
	asked, err := tokens.ParseClaimsRequest(`{"userinfo":{"name":null,"email":null}}`)
	if err != nil {
		t.Fatal(err)
	}
	asked.Within(c, claims.Rules{})
	if got := asked.Names(claims.Rules{}); len(got) != 1 || got[0] != "email" {
		t.Errorf("asks the person for %v, want email", got)
	}
}

func TestUserinfoGivesWhatWasGranted(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.Scope = "openid profile email address phone" })
	s.user.Phone, s.user.Profile.Address = "+41441234567", &storage.Address{Country: "CH"}
	if err := storagetest.UpdateUser(t.Context(), s.store, s.user); err != nil {
		t.Fatal(err)
	}
	claims := func(scopes, asked string) map[string]any {
		given := s.tokens(c, func(k *tokens.Code) {
			k.Scopes = strings.Fields(scopes)
			if asked != "" {
				k.Claims = []byte(asked)
			}
		})
		return s.do(request("GET", "/userinfo", "", bearer(given.str("access_token")))).body
	}
	for _, tt := range []struct {
		scopes, asked string
		want          map[string]any
	}{
		{"openid", "", map[string]any{}},
		{"openid email", "", map[string]any{"email": "jo@example.com", "email_verified": true}},
		{"openid phone", "", map[string]any{"phone_number": "+41441234567", "phone_number_verified": false}},
		{"openid address", "", map[string]any{"address": map[string]any{"country": "CH"}}},
		{"openid", `{"userinfo":{"name":{"essential":true},"zoneinfo":null,"made_up":null}}`,
			map[string]any{"name": "Jo Doe"}},
		{"openid", `{"id_token":{"name":null}}`, map[string]any{}},
		// F5: no claim of the protocol can be asked into or out of it.
		{"openid", `{"userinfo":{"sub":{"value":"x"},"iss":null,"aud":null}}`, map[string]any{}},
	} {
		tt.want["sub"] = s.user.ID
		if diff := cmp.Diff(tt.want, claims(tt.scopes, tt.asked)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.scopes, tt.asked, diff)
		}
	}
}

func TestSignedUserinfo(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		c := s.client(func(c *storage.Client) { c.UserinfoSignedResponseAlg = string(alg) })
		resp := s.raw(request("GET", "/userinfo", "", bearer(s.tokens(c).str("access_token"))))
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "application/jwt" {
			t.Fatalf("%s: got %d %s", alg, resp.StatusCode, got)
		}
		if _, err := s.p.Keys.Verify(t.Context(), s.tenant.ID, string(raw),
			[]jose.SignatureAlgorithm{alg}, "JWT"); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		claims := payload(t, string(raw))
		if claims["iss"] != testIssuer || claims["aud"] != c.ClientID || claims["sub"] != s.user.ID ||
			claims["name"] != "Jo Doe" {
			t.Errorf("%s: got %v", alg, claims)
		}
		// It is no ID token, nor an access token (F4).
		if _, err := s.p.tokens.OpenIDTokenHint(t.Context(), s.tenant, string(raw)); err == nil {
			t.Errorf("%s: taken as an id_token_hint", alg)
		}
		if resp := s.raw(request("GET", "/userinfo", "", bearer(string(raw)))); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: as an access token: got %d, want 401", alg, resp.StatusCode)
		}
	}
}

// challenged checks an error of RFC 6750 section 3: status, code and WWW-Authenticate.
func (s *tokenServer) challenged(name string, resp *http.Response, status int, code string) {
	s.Helper()
	got := resp.Header.Get("WWW-Authenticate")
	want := `Bearer realm="` + testIssuer + `", resource_metadata="` + testIssuer +
		`/.well-known/oauth-protected-resource"`
	if code != "" {
		want += `, error="` + code + `"`
	}
	if resp.StatusCode != status || !strings.HasPrefix(got, want) || code == "" && got != want {
		s.Errorf("%s: got %d, %s; want %d, %s…", name, resp.StatusCode, got, status, want)
	}
	if cc := resp.Header.Get("Cache-Control"); cc != "no-store" {
		s.Errorf("%s: Cache-Control is %q, want no-store", name, cc)
	}
}

// D14: what is no access token of a user with openid gets nothing.
func TestUserinfoRefuses(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	given := s.tokens(c)
	good := given.str("access_token")
	_, secret := s.service("svc")
	own := ask(s, basic("svc", secret)).str("access_token")
	plain := s.tokens(c, func(k *tokens.Code) { k.Scopes = []string{"api"} }).str("access_token")
	opaque := s.tokens(s.client(func(c *storage.Client) {
		c.ClientID, c.AccessTokenFormat = "opaque", "opaque"
	})).str("access_token")
	if got := s.do(request("GET", "/userinfo", "", bearer(opaque))); got.status != http.StatusOK {
		t.Fatalf("opaque token: got %d %s", got.status, got.raw)
	}

	for _, tt := range []struct {
		name   string
		r      *http.Request
		status int
		code   string
	}{
		{"no token", request("GET", "/userinfo", ""), 401, ""},
		{"in the URL", request("GET", "/userinfo?access_token="+good, ""), 401, ""},
		{"in the URL too", request("GET", "/userinfo?access_token="+good, "", bearer(good)), 400, "invalid_request"},
		{"header and form", request("POST", "/userinfo", "access_token="+good, formType, bearer(good)),
			400, "invalid_request"},
		{"twice in the form", request("POST", "/userinfo", "access_token="+good+"&access_token="+good, formType),
			400, "invalid_request"},
		{"two headers", request("GET", "/userinfo", "", bearer(good), bearer(good)), 400, "invalid_request"},
		{"form in a GET", request("GET", "/userinfo", "access_token="+good, formType), 401, ""},
		{"JSON", request("POST", "/userinfo", `{"access_token":"`+good+`"}`, "Content-Type: application/json"), 401, ""},
		{"Basic", request("GET", "/userinfo", "", basic("spa", good)), 401, ""},
		{"spaces inside", request("GET", "/userinfo", "", bearer(good[:9]+" "+good[9:])), 400, "invalid_request"},
		{"empty", request("GET", "/userinfo", "", "Authorization: Bearer"), 400, "invalid_request"},
		{"ID token", request("GET", "/userinfo", "", bearer(given.str("id_token"))), 401, "invalid_token"},
		{"refresh token", request("GET", "/userinfo", "", bearer(given.str("refresh_token"))), 401, "invalid_token"},
		{"client's own token", request("GET", "/userinfo", "", bearer(own)), 403, "insufficient_scope"},
		{"no openid", request("GET", "/userinfo", "", bearer(plain)), 403, "insufficient_scope"},
		{"other last character", request("GET", "/userinfo", "", bearer(good[:len(good)-1]+otherLast(good))), 401,
			"invalid_token"},
		{"opaque, other last character",
			request("GET", "/userinfo", "", bearer(opaque[:len(opaque)-1]+otherLast(opaque))), 401, "invalid_token"},
		{"a megabyte of dots", request("POST", "/userinfo", "", bearer(strings.Repeat(".", 1<<20))), 401, "invalid_token"},
		{"a megabyte of form", request("POST", "/userinfo", "access_token="+strings.Repeat("a", 1<<20), formType),
			413, "invalid_request"},
	} {
		s.challenged(tt.name, s.raw(tt.r), tt.status, tt.code)
	}
	for _, method := range []string{"PUT", "DELETE", "HEAD", "OPTIONS"} {
		if resp := s.raw(request(method, "/userinfo", "", bearer(good))); resp.StatusCode != http.StatusMethodNotAllowed ||
			resp.Header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: got %d, Allow %q", method, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}

func TestUserinfoAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *tokenServer, c *storage.Client, a reply){
		"expired": func(s *tokenServer, _ *storage.Client, _ reply) { time.Sleep(10 * time.Minute) },
		"token revoked": func(s *tokenServer, c *storage.Client, a reply) {
			s.raw(request("POST", "/revoke",
				url.Values{"client_id": {c.ClientID}, "token": {a.str("access_token")}}.Encode(), formType))
		},
		"refresh token revoked": func(s *tokenServer, c *storage.Client, a reply) {
			s.raw(request("POST", "/revoke",
				url.Values{"client_id": {c.ClientID}, "token": {a.str("refresh_token")}}.Encode(), formType))
		},
		"person disabled": func(s *tokenServer, _ *storage.Client, _ reply) {
			s.user.Disabled = true
			if err := storagetest.UpdateUser(s.Context(), s.store, s.user); err != nil {
				s.Fatal(err)
			}
		},
		"client disabled": func(s *tokenServer, c *storage.Client, _ reply) { c.Disabled = true; s.put(c) },
		"client removed": func(s *tokenServer, c *storage.Client, _ reply) {
			if err := s.store.RemoveClient(s.Context(), c.TenantID, c.ClientID, time.Now()); err != nil {
				s.Fatal(err)
			}
		},
		"signed out": func(s *tokenServer, _ *storage.Client, _ reply) {
			if err := s.store.Apply(s.Context(),
				storage.Change{TenantID: s.tenant.ID, Now: time.Now(),
					EndSessions: &storage.SessionFilter{IDs: []string{s.session.ID}}}); err != nil {
				s.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startTokens(t)
				c := s.client()
				// Without offline_access, so that the grant dies with the session.
				a := s.tokens(c, func(k *tokens.Code) { k.Scopes = []string{"openid"} })
				if got := s.do(request("GET", "/userinfo", "", bearer(a.str("access_token")))); got.status != http.StatusOK {
					t.Fatalf("before: got %d %s", got.status, got.raw)
				}
				end(s, c, a)
				s.challenged(name, s.raw(request("GET", "/userinfo", "", bearer(a.str("access_token")))), 401, "invalid_token")
			})
		})
	}
}

// One read, and a signature.
func TestStatementsPerUserinfo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		token := s.tokens(s.client()).str("access_token")
		got := s.statements(http.StatusOK, func() reply { return s.do(request("GET", "/userinfo", "", bearer(token))) })
		if got != "SELECT" {
			t.Errorf("got %q, want one SELECT", got)
		}
	})
}

func TestUserinfoWhileStorageIsDown(t *testing.T) {
	t.Parallel()
	s, store := startFailing(t)
	token := s.tokens(s.client()).str("access_token")
	store.set("LiveGrant")
	s.unavailable(s.do(request("GET", "/userinfo", "", bearer(token))))
	store.set("")
	if got := s.do(request("GET", "/userinfo", "", bearer(token))); got.status != http.StatusOK {
		t.Errorf("afterwards: got %d %s", got.status, got.raw)
	}
}

// N3: a token of one tenant is nothing to another.
func TestUserinfoOfAnotherTenant(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "other", Name: "Other"}); err != nil {
		t.Fatal(err)
	}
	c := s.client()
	for _, format := range []string{"jwt", "opaque"} {
		c.AccessTokenFormat = format
		s.put(c)
		token := s.tokens(c).str("access_token")
		resp := s.raw(request("GET", "/t/other/userinfo", "", bearer(token)))
		if resp.StatusCode != http.StatusUnauthorized ||
			!strings.Contains(resp.Header.Get("WWW-Authenticate"), testIssuer+"/t/other") {
			t.Errorf("%s: got %d %v", format, resp.StatusCode, resp.Header)
		}
	}
}
