package admin_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

var pathVariable = regexp.MustCompile(`\{[^}]*\}`)

// TestEveryDoorAsksForItsScope tries every route of the table with the token of each role, of clients with and
// without the scope, of another tenant and another audience, and with what is no token, at a tenant and at the
// default one. Requests have no body and name nothing that exists: a door that opens refuses them for that.
func TestEveryDoorAsksForItsScope(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite::memory:")
	cells, opened := 0, 0
	for _, tenant := range []string{"", "acme"} {
		here, elsewhere := s.tenant(tenant), map[string]string{"": "acme", "acme": ""}[tenant]
		owner := s.add(here, storage.User{AdminRole: storage.RoleOwner})
		strange := s.userToken(here, owner, administration.Scopes, here.Issuer)
		foreign := s.as(elsewhere, storage.RoleOwner).token
		all := s.service(tenant, administration.Scopes...)
		for _, route := range admin.Routes() {
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
			others := slices.DeleteFunc(slices.Clone(administration.Scopes), func(scope string) bool {
				return scope == route.Scope
			})
			try("a client with every scope", all, exists, http.StatusForbidden)
			try("a client without the scope", s.serviceOnce(tenant, others), false, http.StatusForbidden)
			try("a client with the scope alone", s.serviceOnce(tenant, []string{route.Scope}), exists, http.StatusForbidden)
			token := func(text string) *api { return &api{s, here, text} }
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
