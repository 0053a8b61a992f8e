package administration

import (
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestEachRoleHasTheScopesOfThoseBelow(t *testing.T) {
	t.Parallel()
	if got := ScopesOf(storage.DefaultTenant, storage.RoleOwner); !slices.Equal(got, Scopes) {
		t.Errorf("got %v, want all scopes for an owner", got)
	}
	admin := ScopesOf(storage.DefaultTenant, storage.RoleAdministrator)
	for _, role := range []string{storage.RoleSupport, storage.RoleAuditor} {
		if beyond := Outranked(storage.User{TenantID: storage.DefaultTenant, AdminRole: role}, admin); beyond != "" {
			t.Errorf("%s has %s, which admin has not", role, beyond)
		}
	}
	for role, want := range map[string]string{
		storage.RoleOwner: "upstreams:write", storage.RoleAdministrator: "groups:write",
		storage.RoleAuditor: "clients:read", storage.RoleSupport: "", "": "", "root": "",
	} {
		u := storage.User{TenantID: storage.DefaultTenant, AdminRole: role}
		got := Outranked(u, ScopesOf(storage.DefaultTenant, storage.RoleSupport))
		if got != "" != (want != "") {
			t.Errorf("%s: got %q, want %q", role, got, want)
		}
	}
	if slices.Contains(ScopesOf("acme", storage.RoleOwner), "tenants:read") {
		t.Error("an owner of one tenant may read of the others")
	}
	for _, scope := range ScopesOf(storage.DefaultTenant, storage.RoleAuditor) {
		if len(scope) < 5 || scope[len(scope)-5:] != ":read" {
			t.Errorf("an auditor has %s", scope)
		}
	}
}

func TestAClientIsBeyondWhoHasNotItsScopes(t *testing.T) {
	t.Parallel()
	c := storage.Client{TenantID: storage.DefaultTenant, Scope: "openid users:read orders:write administrators:write"}
	if got := BeyondClient(c, ScopesOf(storage.DefaultTenant, storage.RoleAdministrator)); got != "administrators:write" {
		t.Errorf("got %q, want administrators:write", got)
	}
	if got := BeyondClient(c, ScopesOf(storage.DefaultTenant, storage.RoleOwner)); got != "" {
		t.Errorf("got %q, want nothing beyond an owner", got)
	}
}
