package provider

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Who sets a client up is told which of three different mistakes it is.
func TestRefusedRedirectURIsSayWhy(t *testing.T) {
	t.Parallel()
	var told *web.Problem
	s := startTokens(t, func(c *Config) {
		c.Errors = func(w http.ResponseWriter, _ *http.Request, p *web.Problem) { told = p; w.WriteHeader(p.Status) }
	})
	app := s.client()
	service := s.client(func(c *storage.Client) {
		c.ClientID = "service"
		c.RedirectURIs, c.GrantTypes, c.ResponseTypes = nil, []string{"client_credentials"}, nil
	})
	for _, c := range []struct {
		client *storage.Client
		uri    string
		want   string
	}{
		{app, testRedirect + "/", "match exactly"},
		{app, "", "openid"},
		{service, testRedirect, "has no redirect_uris"},
		{service, "", "has no redirect_uris"},
	} {
		told = nil
		q := values("client_id", c.client.ClientID, "redirect_uri", c.uri, "response_type", "code", "scope", "openid")
		s.handler.ServeHTTP(httptest.NewRecorder(),
			httptest.NewRequest(http.MethodGet, testIssuer+"/authorize?"+q.Encode(), nil))
		if told == nil || !strings.Contains(told.Developer, c.want) {
			t.Errorf("%s at %q: got %+v, want %q", c.client.ClientID, c.uri, told, c.want)
		}
	}
}
