package provider

import (
	"net/http"
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// D10: a client's own token stands for no user.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c, secret := s.service("jobs-runner", func(c *storage.Client) {
		c.Scope = "openid offline_access api jobs profile"
		c.GrantTypes = []string{"client_credentials", "refresh_token"}
	})
	a := s.post(values("grant_type", "client_credentials"), basic(c.ClientID, secret))
	if a.status != http.StatusOK || len(a.body) != 4 || a.str("scope") != "api jobs" || a.body["expires_in"] != 600.0 {
		t.Fatalf("got %d %s, want an access token for api and jobs alone", a.status, a.raw)
	}
	claims := s.access(a)
	if claims.Subject != "jobs-runner" || claims.ClientID != "jobs-runner" || claims.GrantID != "" ||
		claims.SID != "" || claims.AuthTime != 0 {
		t.Errorf("got %+v", claims)
	}
	if !slices.Equal(claims.Audience, []string{testIssuer}) {
		t.Errorf("aud: got %v, want the issuer", claims.Audience)
	}
	for _, scope := range []string{"openid", "api openid", "offline_access", "profile", "other", "API", "api,jobs"} {
		a := s.post(values("grant_type", "client_credentials", "scope", scope), basic(c.ClientID, secret))
		s.fails(a, http.StatusBadRequest, "invalid_scope")
	}
	a = s.post(values("grant_type", "client_credentials", "scope", "jobs  jobs"), basic(c.ClientID, secret))
	if a.str("scope") != "jobs" {
		t.Errorf("got %d %s, want scope jobs", a.status, a.raw)
	}
}

func TestClientCredentialsOfAPublicClient(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.GrantTypes = []string{"client_credentials"} })
	s.fails(s.post(values("grant_type", "client_credentials", "client_id", c.ClientID)),
		http.StatusBadRequest, "unauthorized_client")
}

func TestClientCredentialsWithAudienceAndWithoutScope(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c, secret := s.service("x", func(c *storage.Client) { c.Scope = ""; c.Audience = []string{"https://api.example.com"} })
	a := s.post(values("grant_type", "client_credentials"), basic(c.ClientID, secret))
	if claims := s.access(a); claims.Scope != "" || !slices.Equal(claims.Audience, c.Audience) || a.body["scope"] != nil {
		t.Errorf("got %s, %+v", a.raw, claims)
	}
}
