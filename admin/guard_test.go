package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestATokenOfAnotherAudienceOpensNothing(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		root, acme := s.tenant(""), s.tenant("acme")
		owner := s.add(root, storage.User{AdminRole: storage.RoleOwner})
		for name, audience := range map[string][]string{
			"the issuer": {root.Issuer}, "another API": {"https://api.example.com"},
			"the other tenant":     {acme.URL(admin.Prefix)},
			"this API and another": {root.URL(admin.Prefix), "https://api.example.com"}, "the default": nil,
			"a longer URL": {root.URL(admin.Prefix) + "/users"}, "a slash too many": {root.URL(admin.Prefix) + "/"},
		} {
			a := &api{s, root, s.userToken(root, owner, []string{"users:read"}, audience...)}
			got := a.do("GET", "/users", nil).is(401, "invalid_token")
			if www := got.header.Get("WWW-Authenticate"); !strings.Contains(www, `error="invalid_token"`) {
				s.Errorf("%s: got %s, want the registered error", name, www)
			}
		}
		mine := s.as("", storage.RoleOwner)
		mine.do("GET", "/users", nil).is(200)
		(&api{s, acme, mine.token}).do("GET", "/users", nil).is(401, "invalid_token")
	})
}

func TestWhoHasNoTokenLearnsWhereToGetOne(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		for _, tenant := range []string{"", "acme"} {
			a := &api{server: s, tenant: s.tenant(tenant)}
			got := a.do("GET", "/users", nil).is(401, "missing_token")
			www := got.header.Get("WWW-Authenticate")
			_, url, _ := strings.Cut(www, `resource_metadata="`)
			url, _, _ = strings.Cut(url, `"`)
			if strings.Contains(www, "error=") {
				s.Errorf("got %s, want no error for a client that sent no token (RFC 6750 section 3)", www)
			}
			doc := a.answer(httptest.NewRequest("GET", url, nil)).is(200)
			if doc.text("resource") != a.tenant.URL(admin.Prefix) {
				s.Errorf("got %s, want the API that was asked (RFC 9728 section 3.3)", doc.raw)
			}
			if servers := doc.get("authorization_servers").([]any); len(servers) != 1 || servers[0] != a.tenant.Issuer {
				s.Errorf("got %s, want the tenant as the authorization server", doc.raw)
			}
		}
	})
}

func TestATokenHasTheScopesOfTheRole(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		s.as("", storage.RoleAuditor).do("GET", "/users", nil).is(200)
		got := s.as("", storage.RoleAuditor).do("POST", "/users", fields{"email": "a@example.com"}).
			is(403, "insufficient_scope")
		if got.text("scope") != "users:write" || !strings.Contains(got.header.Get("WWW-Authenticate"),
			`error="insufficient_scope", scope="users:write"`) {
			s.Errorf("got %s with %s, want the scope that is missing", got.raw, got.header.Get("WWW-Authenticate"))
		}
		s.as("", "").do("GET", "/users", nil).is(403, "insufficient_scope")
		root := s.tenant("")
		owner := s.add(root, storage.User{AdminRole: storage.RoleOwner})
		narrow := &api{s, root, s.userToken(root, owner, []string{"clients:read"}, root.URL(admin.Prefix))}
		narrow.do("GET", "/users", nil).is(403, "insufficient_scope")

		// What the role and the client lose acts at once on tokens that they have.
		support := s.as("", storage.RoleSupport)
		support.do("GET", "/users", nil).is(200)
		all, err := s.store.Administrators(s.Context(), root.ID, "", 100)
		check(s, err)
		none := ""
		for _, u := range all {
			if u.AdminRole == storage.RoleSupport {
				ch := storage.Change{TenantID: root.ID, UserID: u.ID, Now: u.UpdatedAt, SetAdmin: &none}
				check(s, s.store.Apply(s.Context(), ch))
			}
		}
		support.do("GET", "/users", nil).is(403, "insufficient_scope")
	})
}

func TestTokensOfASignInThatIsNotStrongEnough(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		acme := s.tenant("acme")
		owner := s.add(acme, storage.User{AdminRole: storage.RoleOwner})
		token := func(since time.Duration, acr string) *api {
			sess := storage.Session{UserID: owner, AuthTime: time.Now().Add(-since), ACR: acr, AMR: []string{"pwd"}}
			return &api{s, acme, s.tokenOf(acme, sess, []string{"users:read"}, acme.URL(admin.Prefix))}
		}
		weak, strong := token(0, storage.ACRPassword), token(0, storage.ACRMultiFactor)
		old := token(2*time.Hour, storage.ACRMultiFactor)
		service := s.service("acme", "users:read")
		for _, a := range []*api{weak, strong, old, service} {
			a.do("GET", "/users", nil).is(200)
		}
		of, err := s.store.Tenant(s.Context(), "acme")
		check(s, err)
		of.Settings.Administrators = storage.AdministratorSettings{SecondFactor: true,
			SessionLifetime: storage.Duration(time.Hour), SessionIdle: storage.Duration(5 * time.Minute)}
		check(s, s.store.UpdateTenant(s.Context(), of))
		s.serve()
		for _, a := range []*api{strong, service} {
			a.do("GET", "/users", nil).is(200)
		}
		for a, want := range map[*api]string{weak: `acr_values="` + storage.ACRMultiFactor + `"`, old: `max_age="3600"`} {
			got := a.do("GET", "/users", nil).is(401, "insufficient_user_authentication")
			if www := got.header.Get("WWW-Authenticate"); !strings.Contains(www, `error="insufficient_user_authentication"`) ||
				!strings.Contains(www, want) {
				s.Errorf("got %s, want what RFC 9470 section 3 says, with %s", www, want)
			}
		}
	})
}

func TestCookiesOpenNothing(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.as("", storage.RoleOwner)
		for _, headers := range [][]string{
			{"Cookie: session=" + a.token + "; vouchsafe=" + a.token}, {"Authorization: Basic " + a.token},
			{"Authorization: " + a.token}, {"Authorization: DPoP " + a.token}, {"X-Authorization: Bearer " + a.token},
		} {
			without := &api{server: s, tenant: a.tenant}
			if got := without.do("GET", "/users", nil, headers...); got.status != http.StatusUnauthorized {
				s.Errorf("%v: got %d, want 401", headers, got.status)
			}
		}
		without := &api{server: s, tenant: a.tenant}
		without.do("GET", "/users?access_token="+a.token, nil).is(401, "missing_token")
	})
}

func TestAClientActsForItself(t *testing.T) {
	onEveryDatabase(t, func(s *server) {
		a := s.service("acme", "users:read", "users:write", "orders:write")
		id := a.do("POST", "/users", fields{"email": "jo@example.com"}).is(201).text("id")
		events, err := s.store.EventsOf(s.Context(), "acme", id, "", 10)
		check(s, err)
		if len(events) != 1 || events[0].Kind != storage.EventUserAdded {
			s.Fatalf("got %+v, want one event", events)
		}
		if _, err := s.store.Client(s.Context(), "acme", events[0].Actor); err != nil {
			s.Errorf("got %+v, want the client as the actor: %v", events, err)
		}
		s.service("acme", "orders:write").do("GET", "/users", nil).is(403, "insufficient_scope")
	})
}
