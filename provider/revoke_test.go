package provider

import (
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// revokes posts to /revoke and checks that the answer is 200 and says nothing.
func (s *tokenServer) revokes(form url.Values, header ...string) {
	s.Helper()
	resp := s.raw(request("POST", "/revoke", form.Encode(), append(header, formType)...))
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || len(body) != 0 || resp.Header.Get("Cache-Control") != "no-store" {
		s.Errorf("revoke: got %d %s %v, want 200, empty and no-store", resp.StatusCode, body, resp.Header)
	}
}

// works says whether the access token is one at userinfo.
func (s *tokenServer) works(token string) bool {
	s.Helper()
	return s.raw(request("GET", "/userinfo", "", bearer(token))).StatusCode == http.StatusOK
}

func TestRevokingAnAccessTokenEndsItAlone(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"jwt", "opaque"} {
		t.Run(format, func(t *testing.T) {
			s := startTokens(t)
			c := s.client(func(c *storage.Client) { c.AccessTokenFormat = format })
			a := s.tokens(c)
			for range 2 { // a second time changes nothing
				s.revokes(values("client_id", c.ClientID, "token", a.str("access_token"), "token_type_hint", "refresh_token"))
			}
			if s.works(a.str("access_token")) {
				t.Error("the access token still works")
			}
			next := s.refresh(c, a.str("refresh_token"))
			if next.status != http.StatusOK || !s.works(next.str("access_token")) {
				t.Errorf("refresh: got %d %s, want tokens that work", next.status, next.raw)
			}
			if n := s.events("token.revoked"); n != 1 {
				t.Errorf("%d events, want 1", n)
			}
		})
	}
}

func TestRevokingARefreshTokenEndsTheGrant(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	for name, which := range map[string]func(first, second reply) string{
		"the living one":  func(_, second reply) string { return second.str("refresh_token") },
		"a rotated one":   func(first, _ reply) string { return first.str("refresh_token") },
		"with wrong hint": func(_, second reply) string { return second.str("refresh_token") },
	} {
		first := s.tokens(c)
		second := s.refresh(c, first.str("refresh_token"))
		s.revokes(values("client_id", c.ClientID, "token", which(first, second), "token_type_hint", "access_token"))
		if s.works(first.str("access_token")) || s.works(second.str("access_token")) {
			t.Errorf("%s: an access token still works", name)
		}
		s.fails(s.refresh(c, second.str("refresh_token")), 400, "invalid_grant")
	}
	if n := s.events("grant.revoked"); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

// D13: another client's token is left alone, and the answer does not tell.
func TestRevokingAnotherClientsToken(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	s.client(func(c *storage.Client) { c.ClientID = "thief" })
	_, secret := s.service("svc")
	a := s.tokens(c)
	own := ask(s, basic("svc", secret)).str("access_token")
	for _, token := range []string{a.str("access_token"), a.str("refresh_token"), own} {
		s.revokes(values("client_id", "thief", "token", token))
	}
	s.revokes(values("token", a.str("access_token")), basic("svc", secret))
	if !s.works(a.str("access_token")) {
		t.Error("the access token was revoked by another client")
	}
	if !s.active(s.inspect("svc", secret, own)) {
		t.Error("a client's own token was revoked by another client")
	}
	if next := s.refresh(c, a.str("refresh_token")); next.status != http.StatusOK {
		t.Errorf("refresh: got %d %s", next.status, next.raw)
	}
	// And that of another tenant's client of the same name.
	if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "other", Name: "Other"}); err != nil {
		t.Fatal(err)
	}
	twin := *c
	twin.TenantID = "other"
	s.put(&twin)
	b := s.tokens(c)
	for _, token := range []string{b.str("access_token"), b.str("refresh_token")} {
		resp := s.raw(request("POST", "/t/other/revoke", values("client_id", c.ClientID, "token", token).Encode(), formType))
		if resp.StatusCode != http.StatusOK {
			t.Errorf("at another tenant: got %d", resp.StatusCode)
		}
	}
	if !s.works(b.str("access_token")) || !s.lives(b) {
		t.Error("revoked at another tenant")
	}
}

func TestRevokingWhatIsNoToken(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	a := s.tokens(c)
	for _, token := range []string{"x", "vrt_x", "vat_x", "a.b.c", a.str("id_token"), a.str("refresh_token") + "x"} {
		s.revokes(values("client_id", c.ClientID, "token", token))
	}
	if !s.works(a.str("access_token")) || s.refresh(c, a.str("refresh_token")).status != http.StatusOK {
		t.Error("something was revoked")
	}
	s.fails(s.form("/revoke", values("client_id", c.ClientID)), 400, "invalid_request")
	s.fails(s.form("/revoke", values("token", "x")), 401, "invalid_client")
	s.fails(s.form("/revoke", values("client_id", "nobody", "token", "x")), 401, "invalid_client")
	_, secret := s.service("svc")
	s.fails(s.form("/revoke", values("client_id", "svc", "token", "x")), 401, "invalid_client")
	s.fails(s.form("/revoke", values("token", "x"), basic("svc", secret+"x")), 401, "invalid_client")
	s.fails(s.do(request("GET", "/revoke?client_id=spa&token=x", "")), 405, "invalid_request")
	s.fails(s.form("/revoke?token=x", values("client_id", c.ClientID)), 400, "invalid_request")
}

// D13: that storage did not answer is not hidden: the token lives.
func TestRevocationWhileStorageIsDown(t *testing.T) {
	t.Parallel()
	s, store := startFailing(t)
	c := s.client()
	a := s.tokens(c)
	store.set("all")
	for _, token := range []string{a.str("access_token"), a.str("refresh_token")} {
		s.unavailable(s.form("/revoke", values("client_id", c.ClientID, "token", token)))
	}
	store.set("")
	if !s.lives(a) {
		t.Error("revoked all the same")
	}
	s.revokes(values("client_id", c.ClientID, "token", a.str("refresh_token")))
	if s.lives(a) {
		t.Error("not revoked afterwards")
	}
}

// A revoked token is remembered as long as it could be met, no longer.
func TestRevokedTokensAreForgottenWithTime(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	a := s.tokens(c)
	s.revokes(values("client_id", c.ClientID, "token", a.str("access_token")))
	sweeper := s.store.(storage.Maintenance)
	jti := s.access(a).JTI
	for _, tt := range []struct {
		after time.Duration
		kept  bool
	}{{9 * time.Minute, true}, {time.Hour, false}} {
		if _, err := sweeper.Sweep(t.Context(), time.Now().Add(tt.after)); err != nil {
			t.Fatal(err)
		}
		if kept, err := s.store.IsSpent(t.Context(), s.tenant.ID, storage.SpentAccessToken, jti); err != nil ||
			kept != tt.kept {
			t.Errorf("after %s: kept is %v, %v; want %v", tt.after, kept, err, tt.kept)
		}
	}
}
