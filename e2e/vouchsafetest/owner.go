package vouchsafetest

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
)

// Console returns a new first-party app by which administrators use the management API: it may have all that they
// may do.
func (s *Server) Console(t testing.TB) Client {
	t.Helper()
	api := s.API(t)
	about := api.Do(t, api.Request(t, http.MethodGet, "/.well-known/oauth-protected-resource/api/v1", "", ""))
	scopes := []string{"openid"}
	for _, scope := range about.Body["scopes_supported"].([]any) {
		scopes = append(scopes, scope.(string))
	}
	c := Client{
		"client_id": "console-" + strings.ToLower(rand.Text()[:8]), "token_endpoint_auth_method": "none",
		"redirect_uris": []string{"https://console.example/callback"}, "scope": strings.Join(scopes, " "),
	}
	s.Command(t, "", "client", "add", c.ID(), "--kind", "native", "--first-party", "--scope", c["scope"].(string),
		"--redirect-uri", c.RedirectURI(), "--audience", about.String("resource"))
	return c
}

// Owner returns a new owner of the tenant.
func (s *Server) Owner(t testing.TB) Person {
	t.Helper()
	p := s.Person(t)
	s.Command(t, "", "admin", "add", p.Email, "--role", "owner")
	return p
}

// OwnerToken returns an access token for the management API that a new owner got by signing in.
func (s *Server) OwnerToken(t testing.TB) string { return s.OwnerTokenOf(t, s.Console(t)) }

// OwnerTokenOf is OwnerToken by the app.
func (s *Server) OwnerTokenOf(t testing.TB, c Client) string {
	t.Helper()
	r := NewRequest(c, "scope", c["scope"].(string))
	return s.API(t).Redeem(t, r, s.Browser(t, s.Owner(t)).Code(t, r)).Want(t, http.StatusOK, "").Access()
}
