package admin_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestAnUpstreamIsTried tries a provider through the API: with the right secret, and with another one.
func TestAnUpstreamIsTried(t *testing.T) {
	idp := &fakeidp.Server{Kind: fakeidp.OpenID, ClientID: "vouchsafe", ClientSecret: "opensesame"}
	srv := httptest.NewServer(idp)
	t.Cleanup(srv.Close)
	idp.Issuer = srv.URL
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleOwner)
		for secret, works := range map[string]bool{"opensesame": true, "sesameopen": false} {
			a.do("PATCH", "/tenant", fields{"upstreams": []fields{{"id": "corp", "issuer": srv.URL,
				"client_id": "vouchsafe", "client_secret": secret}}}).is(200)
			got := a.do("POST", "/upstreams/corp:test", nil).is(200)
			if got.get("works") != works || strings.Contains(got.raw, secret) ||
				!strings.Contains(got.raw, a.tenant.URL("/upstream/corp/callback")) {
				s.Errorf("with the secret %s: got %s", secret, got.raw)
			}
		}
		a.do("POST", "/upstreams/none:test", nil).is(404)
		s.as("", storage.RoleOwner).do("POST", "/upstreams/corp:test", nil).is(404)
		s.as("acme", storage.RoleAdministrator).do("POST", "/upstreams/corp:test", nil).is(403)
	})
}

// TestPasswordsAreToBeChanged has a user's password expire, and reads what the user has.
func TestPasswordsAreToBeChanged(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("acme", storage.RoleAdministrator)
		id := a.do("POST", "/users", fields{"email": "jo@example.com"}).is(201).text("id")
		a.do("POST", "/users/"+id+":expire-password", nil).is(422).has("/password", "invalid")
		a.do("PUT", "/users/"+id+"/password", fields{"password": "violet tractor marble"}).is(204)
		for verb, want := range map[string]bool{"expire": true, "keep": false} {
			a.do("POST", "/users/"+id+":"+verb+"-password", nil).is(204)
			if got := a.do("GET", "/users/"+id+"/factors", nil).is(200).get("password_expired"); got != want {
				s.Errorf("%s: got %v, want %v", verb, got, want)
			}
		}
		a.do("PUT", "/clients/shop", fields{"grant_types": []string{"client_credentials"}}).is(201)
		a.do("PUT", "/clients/shop/roles/editor", fields{}).is(200)
		a.do("PUT", "/clients/shop/roles/editor/users/"+id, nil).is(204)
		given := a.do("GET", "/users/"+id+"/roles", nil).is(200).items()
		if len(given) != 1 || given[0]["client"] != "shop" || given[0]["name"] != "editor" {
			s.Errorf("got the roles %v", given)
		}
	})
}
