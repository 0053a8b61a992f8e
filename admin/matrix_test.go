package admin_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

var pathVariable = regexp.MustCompile(`\{[^}]*\}`)

// TestEveryDoorAsksForItsScope tries every route of the table with the token of each role, of clients with and
// without the scope, with API keys of both, of another tenant and another audience, with the cookie of the console, and
// with what is no token, at a tenant and at the default one. Requests have no body and name nothing that exists: a door
// that opens refuses them for that.
func TestEveryDoorAsksForItsScope(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite::memory:")
	cells, opened := 0, 0
	keys := map[string]*keysOf{}
	for _, tenant := range []string{"", "acme"} {
		keys[tenant] = s.withKeys(tenant)
	}
	for _, tenant := range []string{"", "acme"} {
		here, elsewhere := s.tenant(tenant), map[string]string{"": "acme", "acme": ""}[tenant]
		owner := s.add(here, storage.User{AdminRole: storage.RoleOwner})
		strange := s.userToken(here, owner, administration.Scopes, here.Issuer)
		foreign := s.as(elsewhere, storage.RoleOwner).token
		all := s.service(tenant, administration.Scopes...)
		cookie := s.console(here, owner)
		for i, route := range admin.Routes() {
			exists := tenant == "" || !strings.HasPrefix(route.Scope, "tenants:")
			path := pathVariable.ReplaceAllString(strings.TrimPrefix(route.Path, admin.Prefix), "none")
			try := func(who string, a *api, open bool, status int, headers ...string) {
				t.Helper()
				got := a.do(route.Method, path, nil, headers...)
				cells++
				switch refused := got.status == http.StatusUnauthorized || got.status == http.StatusForbidden; {
				case got.status >= 500, open && refused, !open && got.status != status:
					t.Errorf("%s of %q as %s: got %d %s, want it open: %v", route.ID, here.ID, who, got.status, got.raw, open)
				case !open && status == http.StatusForbidden && got.text("scope") != route.Scope:
					t.Errorf("%s as %s: got %s, want the scope %s named", route.ID, who, got.raw, route.Scope)
				case open:
					opened++
				}
			}
			for _, role := range append(slices.Clone(administration.AdminRoles), "") {
				try(role, s.as(tenant, role), exists && slices.Contains(administration.ScopesOf(here.ID, role), route.Scope),
					http.StatusForbidden)
			}
			others := without(administration.Scopes, route.Scope)
			try("a client with every scope", all, exists, http.StatusForbidden)
			try("a client without the scope", s.serviceOnce(tenant, others), false, http.StatusForbidden)
			try("a client with the scope alone", s.serviceOnce(tenant, []string{route.Scope}), exists, http.StatusForbidden)
			token := func(text string) *api { return &api{s, here, text} }
			mine, theirs := keys[tenant], keys[map[string]string{"": "acme", "acme": ""}[tenant]]
			for _, role := range administration.AdminRoles {
				may := exists && route.Scope != administration.SignInAs && // which needs a session
					slices.Contains(administration.ScopesOf(here.ID, role), route.Scope)
				try("an API key of the role "+role, token(mine.users[role]), may, http.StatusForbidden)
			}
			try("an API key of a client with every scope", token(mine.all), exists, http.StatusForbidden)
			try("an API key with the scope alone", token(mine.alone[route.Scope]), exists, http.StatusForbidden)
			try("an API key without the scope", token(mine.others[route.Scope]), false, http.StatusForbidden)
			if i%4 == 0 { // after a hundred wrong keys the address has to pause
				try("an API key of a client of another tenant", token(theirs.all), false, http.StatusUnauthorized)
				try("an API key of another tenant's owner", token(theirs.users[storage.RoleOwner]), false,
					http.StatusUnauthorized)
			}
			try("an owner's session at the console", token(""), false, http.StatusUnauthorized, "Cookie: "+cookie)
			try("another tenant's owner", token(foreign), false, http.StatusUnauthorized)
			try("an owner's token for another audience", token(strange), false, http.StatusUnauthorized)
			try("a stranger", token(""), false, http.StatusUnauthorized)
			try("noise", token("eyJhbGciOiJub25lIn0.e30."), false, http.StatusUnauthorized)
			try("a cookie", token(""), false, http.StatusUnauthorized, "Cookie: session="+all.token)
			try("a secret", token(""), false, http.StatusUnauthorized, "Authorization: Basic "+all.token)
		}
	}
	if opened < cells/5 || cells < 1000 {
		t.Errorf("of %d cells %d opened: was every route tried?", cells, opened)
	}
}

// keysOf are API keys of a tenant.
type keysOf struct {
	users         map[string]string // of administrators, by their role
	all           string            // of a client with every scope
	alone, others map[string]string // of the same client, with a scope and with all but it
}

// withKeys has users of a tenant have API keys, and makes some.
func (s *server) withKeys(tenant string) *keysOf {
	s.Helper()
	owner := s.as(tenant, storage.RoleOwner)
	owner.do(http.MethodPatch, "/tenant", fields{"api_keys": fields{"users": true}}, patchType).is(200)
	s.serve()
	t := s.tenant(tenant)
	of := &keysOf{users: map[string]string{}, alone: map[string]string{}, others: map[string]string{}}
	service := apikeys.Service{Service: s.people, Keys: s.store}
	for _, role := range administration.AdminRoles {
		u, err := s.store.User(s.Context(), t.ID, s.add(t, storage.User{AdminRole: role}))
		check(s, err)
		proven, err := s.people.Owner(s.Context(), u, time.Now(), "")
		check(s, err)
		added, err := service.AddOfUser(s.Context(), people.Asker{Tenant: t, Actor: u.ID, Language: "en"}, proven,
			apikeys.New{Name: role, Scopes: without(administration.ScopesOf(t.ID, role), administration.SignInAs)})
		check(s, err)
		of.users[role] = added.Secret
	}
	var all []string
	for _, scope := range administration.Scopes {
		if administration.Exists(t.ID, scope) {
			all = append(all, scope)
		}
	}
	c := storage.Client{TenantID: t.ID, ClientID: "keys", GrantTypes: []string{"client_credentials"},
		TokenEndpointAuthMethod: "client_secret_basic", Scope: strings.Join(administration.Scopes, " ")}
	check(s, s.store.PutClient(s.Context(), c))
	key := func(scopes ...string) string {
		added, err := service.AddOfClient(s.Context(), people.Asker{Tenant: t, Actor: "keys"}, c,
			apikeys.New{Name: "key", Scopes: scopes})
		check(s, err)
		return added.Secret
	}
	of.all = key(administration.Scopes...)
	for _, scope := range administration.Scopes {
		of.alone[scope], of.others[scope] = key(scope), key(without(all, scope)...)
		if len(of.alone)%20 == 0 { // a client has at most fifty keys
			c.ClientID += "-"
			check(s, s.store.PutClient(s.Context(), c))
		}
	}
	return of
}

// without returns the scopes but one.
func without(scopes []string, but string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return scope == but })
}

// console returns the cookie of a browser in which the user is signed in at the tenant, as pages of the console take
// it.
func (s *server) console(t *issuer.Tenant, user string) string {
	s.Helper()
	b := &browser.Sessions{Store: s.store, Idle: time.Hour, Lifetime: time.Hour}
	sess := storage.Session{TenantID: t.ID, ID: uuid.Must(uuid.NewV7()).String(), UserID: user, CredentialVersion: 1,
		AuthTime: time.Now(), AMR: []string{"pwd"}}
	_, held, err := (*sessions.Keeper)(b).Begin(s.Context(), "", sess, nil)
	check(s, err)
	r := httptest.NewRequest(http.MethodGet, t.URL("/admin"), nil)
	r = r.WithContext(web.WithTenant(r.Context(), t))
	w := httptest.NewRecorder()
	b.Hold(w, r, held)
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	r.Header.Set("Cookie", cookie)
	if a, err := b.Current(r); err != nil || a.UserID != user {
		s.Fatalf("the cookie %q opens no session: %v", cookie, err)
	}
	return cookie
}

// serviceOnce is service with one client for the same scopes.
func (s *server) serviceOnce(tenant string, scopes []string) *api {
	s.Helper()
	key := tenant + "\x00" + strings.Join(scopes, " ")
	if token, ok := s.services[key]; ok {
		return &api{s, s.tenant(tenant), token}
	}
	a := s.service(tenant, scopes...)
	s.services[key] = a.token
	return a
}

// TestTheTableIsDescribed compares the table of routes with the document.
func TestTheTableIsDescribed(t *testing.T) {
	t.Parallel()
	for _, route := range admin.Routes() {
		op, ok := documented().Find(route.Method, route.Path)
		if !ok || op.ID != route.ID {
			t.Errorf("%s %s: the document has %v", route.Method, route.Path, op)
			continue
		}
		if !slices.Equal(op.Scopes(), []string{route.Scope}) {
			t.Errorf("%s: the document has the scopes %v, want %s", route.ID, op.Scopes(), route.Scope)
		}
	}
}
