package provider

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// inspect asks about a token as a client with a secret.
func (s *tokenServer) inspect(id, secret, token string, more ...string) reply {
	s.Helper()
	return s.form("/introspect", values(append([]string{"token", token}, more...)...), basic(id, secret))
}

// active says whether the answer is that the token works; one that does not is told
// nothing about.
func (s *tokenServer) active(a reply) bool {
	s.Helper()
	if a.status != http.StatusOK {
		s.Fatalf("got %d %s, want 200", a.status, a.raw)
	}
	if a.body["active"] == true {
		return true
	}
	if got := strings.TrimSpace(a.raw); got != `{"active":false}` {
		s.Errorf("got %s, want nothing but that it is not active", got)
	}
	return false
}

// confidential registers a client with a secret that users sign in to.
func (s *tokenServer) confidential(id string, change ...func(*storage.Client)) (*storage.Client, string) {
	s.Helper()
	secret, hash := clients.NewSecret()
	return s.client(append([]func(*storage.Client){func(c *storage.Client) {
		c.ClientID, c.TokenEndpointAuthMethod, c.SecretHashes = id, "client_secret_basic", []string{hash}
	}}, change...)...), secret
}

// confidentialTokens gets the tokens of a new code of a client with a secret.
func (s *tokenServer) confidentialTokens(c *storage.Client, secret string, change ...func(*tokens.Code)) reply {
	s.Helper()
	a := s.post(values("grant_type", "authorization_code", "code", s.code(c, change...), "redirect_uri", testRedirect,
		"code_verifier", testVerifier), basic(c.ClientID, secret))
	if a.status != http.StatusOK {
		s.Fatalf("redeem code: got %d %s, want tokens", a.status, a.raw)
	}
	return a
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	web, secret := s.confidential("web", func(c *storage.Client) {
		c.Audience = []string{"https://api.example.com", "api"}
	})
	given := s.confidentialTokens(web, secret)
	token := given.str("access_token")
	claims := s.access(given)
	a := s.inspect("web", secret, token)
	want := map[string]any{
		"active": true, "token_type": "Bearer", "scope": "openid profile offline_access api",
		"client_id": "web", "username": "jo",
		"iss": testIssuer, "sub": s.user.ID, "aud": []any{"https://api.example.com", "api"}, "jti": claims.JTI,
		"iat": float64(claims.IssuedAt), "exp": float64(claims.ExpiresAt), "sid": s.session.ID,
		"auth_time": float64(s.session.AuthTime.Unix()), "acr": "1", "amr": []any{"pwd"},
	}
	if diff := cmp.Diff(want, a.body); diff != "" {
		t.Errorf("access token (-want +got):\n%s", diff)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: got %q, want no-store", got)
	}

	// Whatever the hint says (RFC 7662 section 2.1).
	for _, hint := range []string{"access_token", "refresh_token", "made_up"} {
		if !s.active(s.inspect("web", secret, token, "token_type_hint", hint)) {
			t.Errorf("hint %s: not active", hint)
		}
	}

	a = s.inspect("web", secret, given.str("refresh_token"))
	g := s.grant(given)
	want = map[string]any{
		"active": true, "scope": "openid profile offline_access api", "client_id": "web", "iss": testIssuer, "sub": s.user.ID,
		"iat": float64(g.RotatedAt.Unix()), "exp": float64(g.IdleExpiresAt.Unix()), "sid": s.session.ID,
	}
	if diff := cmp.Diff(want, a.body); diff != "" {
		t.Errorf("refresh token (-want +got):\n%s", diff)
	}

	_, own := s.service("svc")
	self := ask(s, basic("svc", own))
	a = s.inspect("svc", own, self.str("access_token"))
	if a.body["sub"] != "svc" || a.body["client_id"] != "svc" || a.body["scope"] != "api jobs" ||
		a.body["username"] != nil {
		t.Errorf("a client's own token: got %s", a.raw)
	}

	opaque, hush := s.confidential("opaque", func(c *storage.Client) {
		c.AccessTokenFormat, c.Scope = "opaque", "openid api"
	})
	a = s.inspect("opaque", hush,
		s.confidentialTokens(opaque, hush, func(k *tokens.Code) { k.Scopes = []string{"openid"} }).str("access_token"))
	if !s.active(a) || a.body["username"] != nil {
		t.Errorf("opaque, without profile: got %s", a.raw)
	}
}

// D12: who may ask about what.
func TestCallersOfIntrospection(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	spa := s.client(func(c *storage.Client) { c.Audience = []string{"api"} })
	given := s.tokens(spa)
	_, api := s.service("api")
	_, other := s.service("other")
	_, gateway := s.service("gateway", func(c *storage.Client) { c.MayIntrospect = true })
	access, refresh := given.str("access_token"), given.str("refresh_token")
	for _, tt := range []struct {
		id, secret      string
		access, refresh bool
	}{
		{"api", api, true, false},         // the token is for it
		{"gateway", gateway, true, false}, // may ask about all
		{"other", other, false, false},
	} {
		if got := s.active(s.inspect(tt.id, tt.secret, access)); got != tt.access {
			t.Errorf("%s, access token: active is %v, want %v", tt.id, got, tt.access)
		}
		// A refresh token that was sent to a resource server is no access token.
		if got := s.active(s.inspect(tt.id, tt.secret, refresh)); got != tt.refresh {
			t.Errorf("%s, refresh token: active is %v, want %v", tt.id, got, tt.refresh)
		}
	}
	// An ID token is for the client, and nothing to ask about.
	if s.active(s.inspect("gateway", gateway, given.str("id_token"))) {
		t.Error("ID token: active")
	}
	for name, a := range map[string]reply{
		"nobody":           s.form("/introspect", values("token", access)),
		"a public client":  s.form("/introspect", values("token", access, "client_id", "spa")),
		"a wrong secret":   s.inspect("api", other, access),
		"an access token":  s.form("/introspect", values("token", access), bearer(access)),
		"a wrong method":   s.form("/introspect", values("token", access, "client_id", "api", "client_secret", api)),
		"an unknown one":   s.inspect("nobody", other, access),
		"a disabled one":   s.disabled(access),
		"without password": s.inspect("api", "", access),
	} {
		if a.status != http.StatusUnauthorized || a.str("error") != "invalid_client" {
			t.Errorf("%s: got %d %s, want 401 invalid_client", name, a.status, a.raw)
		}
		s.mannered(a)
	}
	s.fails(s.inspect("api", api, ""), 400, "invalid_request")
	s.fails(s.do(request("GET", "/introspect?token="+access, "", basic("api", api))), 405, "invalid_request")
	s.fails(s.do(request("POST", "/introspect?token="+access, "", basic("api", api), formType)), 400, "invalid_request")
	s.fails(s.do(request("POST", "/introspect", `{"token":"x"}`, basic("api", api), "Content-Type: application/json")),
		400, "invalid_request")
}

func (s *tokenServer) disabled(token string) reply {
	_, secret := s.service("off", func(c *storage.Client) { c.Disabled = true })
	return s.inspect("off", secret, token)
}

func TestIntrospectionAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c, secret := s.confidential("web")
		_, own := s.service("svc")
		look := func(token string) bool { return s.active(s.inspect("web", secret, token)) }

		expired := s.confidentialTokens(c, secret)
		time.Sleep(10 * time.Minute)
		if look(expired.str("access_token")) {
			t.Error("expired access token: active")
		}
		if !look(expired.str("refresh_token")) {
			t.Error("refresh token in use: not active")
		}
		time.Sleep(30 * 24 * time.Hour)
		if look(expired.str("refresh_token")) {
			t.Error("refresh token not used for 30 days: active")
		}

		rotated := s.confidentialTokens(c, secret)
		next := s.post(values("grant_type", "refresh_token", "refresh_token", rotated.str("refresh_token")),
			basic("web", secret))
		if look(rotated.str("refresh_token")) || !look(next.str("refresh_token")) || !look(rotated.str("access_token")) {
			t.Error("after a refresh: want the new refresh token and both access tokens active, the old refresh token not")
		}

		revoked := s.confidentialTokens(c, secret)
		s.raw(request("POST", "/revoke", values("token", revoked.str("access_token")).Encode(),
			formType, basic("web", secret)))
		if look(revoked.str("access_token")) || !look(revoked.str("refresh_token")) {
			t.Error("after revoking an access token: want it dead and the refresh token active")
		}

		self := ask(s, basic("svc", own)).str("access_token")
		if !s.active(s.inspect("svc", own, self)) {
			t.Error("a client's own token: not active")
		}
		s.raw(request("POST", "/revoke", values("token", self).Encode(), formType, basic("svc", own)))
		if s.active(s.inspect("svc", own, self)) {
			t.Error("a client's own token, revoked: active")
		}

		_, gateway := s.service("gateway", func(c *storage.Client) { c.MayIntrospect = true })
		self = ask(s, basic("svc", own)).str("access_token")
		if !s.active(s.inspect("gateway", gateway, self)) {
			t.Error("a client's own token: not active")
		}
		if err := s.store.RemoveClient(t.Context(), s.tenant.ID, "svc", time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // what may be kept of a client
		if s.active(s.inspect("gateway", gateway, self)) {
			t.Error("a token of a client that was removed: active")
		}

		if err := s.store.Apply(t.Context(),
			storage.Change{TenantID: s.tenant.ID, Now: time.Now(),
				EndSessions: &storage.SessionFilter{IDs: []string{s.session.ID}}}); err != nil {
			t.Fatal(err)
		}
		if !look(next.str("refresh_token")) {
			t.Error("offline refresh token after signing out: not active")
		}
	})
}

// F1, F3, N3: what was not made here for an access token is not active, and costs little.
func TestIntrospectionOfStrangeTokens(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "other", Name: "Other"}); err != nil {
		t.Fatal(err)
	}
	c, secret := s.confidential("web")
	good := s.confidentialTokens(c, secret).str("access_token")
	for _, token := range []string{
		"x", "vrt_x", "vat_x", "..", "a.b.c", strings.Repeat(".", 10_000), strings.Repeat("a", 40_000),
		"vrt_" + strings.Repeat("a", 40_000),
		good + "=", good[:len(good)-1], good[:len(good)-1] + otherLast(good), " " + good, good + "\n",
		unsigned(`{"alg":"none","typ":"at+jwt"}`, payload(t, good), ""),
		unsigned(`{"alg":"HS256","typ":"at+jwt"}`, payload(t, good), "AAAA"),
		"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
	} {
		if s.active(s.inspect("web", secret, token)) {
			t.Errorf("%.40q: active", token)
		}
	}
	twin := *c
	twin.TenantID = "other"
	s.put(&twin)
	a := s.do(request("POST", "/t/other/introspect", values("token", good).Encode(), formType, basic("web", secret)))
	if s.active(a) {
		t.Error("at another tenant: active")
	}
}

func TestStatementsPerIntrospection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c, secret := s.confidential("web")
		_, own := s.service("svc")
		given, self := s.confidentialTokens(c, secret), ask(s, basic("svc", own)).str("access_token")
		for name, f := range map[string]func() reply{
			"access token":  func() reply { return s.inspect("web", secret, given.str("access_token")) },
			"refresh token": func() reply { return s.inspect("web", secret, given.str("refresh_token")) },
			"own token":     func() reply { return s.inspect("svc", own, self) },
		} {
			if got := s.statements(http.StatusOK, f); got != "SELECT" {
				t.Errorf("%s: got %q, want one SELECT", name, got)
			}
		}
	})
}

func TestIntrospectionWhileStorageIsDown(t *testing.T) {
	t.Parallel()
	s, store := startFailing(t)
	c, secret := s.confidential("web")
	given := s.confidentialTokens(c, secret)
	store.set("LiveGrant")
	s.unavailable(s.inspect("web", secret, given.str("access_token")))
	s.unavailable(s.inspect("web", secret, given.str("refresh_token")))
	_, own := s.service("svc")
	self := ask(s, basic("svc", own)).str("access_token")
	store.set("IsSpent")
	s.unavailable(s.inspect("svc", own, self))
}
