package administration

import (
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Scopes are those of the management API. A client has the ones that it was registered for, and an
// administrator those of the role: see ScopesOf.
var Scopes = []string{
	"users:read", "users:write", SignInAs, "groups:read", "groups:write", "clients:read", "clients:write",
	DeclareClients, "tenant:read", "tenant:write", "upstreams:read", "upstreams:write", "keys:read", "keys:write",
	"mail:read", "mail:write", "webhooks:read", "webhooks:write", "audit:read", "stats:read", "administrators:read",
	"administrators:write",
	"tenants:read", "tenants:write",
}

// SignInAs is the scope of administrators who may sign in as users, to help them. A client that acts for itself cannot
// use it; it is registered for it only to be allowed to change administrators who have it (see Outranked).
const SignInAs = "users:sign-in-as"

// DeclareClients is the scope for clients files: a client that is declared is removed by the next file without it, and
// such a file sets secrets by their hashes.
const DeclareClients = "clients:declare"

// AdminRoles are the roles of administrators, the most powerful first.
var AdminRoles = []string{storage.RoleOwner, storage.RoleAdministrator, storage.RoleSupport, storage.RoleAuditor}

// ownerOnly are scopes by which one could become owner, or work on other tenants. The declaration of an upstream
// provider decides which accounts its users open.
var ownerOnly = []string{"administrators:write", DeclareClients, "upstreams:write", "keys:write", "tenants:read",
	"tenants:write"}

// support are the scopes of administrators who help users.
var support = []string{"users:read", "users:write", SignInAs, "groups:read", "audit:read", "mail:read"}

// ScopesOf returns the scopes of an administrator's role at a tenant. A role that does not exist has none. Those
// about all tenants are of the default tenant only.
func ScopesOf(tenant, role string) []string {
	var has func(scope string) bool
	switch role {
	case storage.RoleOwner:
		has = func(string) bool { return true }
	case storage.RoleAdministrator:
		has = func(scope string) bool { return !slices.Contains(ownerOnly, scope) }
	case storage.RoleSupport:
		return slices.Clone(support)
	case storage.RoleAuditor:
		has = func(scope string) bool {
			return strings.HasSuffix(scope, ":read") && !slices.Contains(ownerOnly, scope)
		}
	default:
		return nil
	}
	return slices.DeleteFunc(slices.Clone(Scopes), func(scope string) bool {
		return !has(scope) || !Exists(tenant, scope)
	})
}

// Exists reports whether the scope is one of the management API of the tenant.
func Exists(tenant, scope string) bool {
	return slices.Contains(Scopes, scope) && (tenant == storage.DefaultTenant || !strings.HasPrefix(scope, "tenants:"))
}

// Outranked returns the first scope that the user has as an administrator and the holder of the scopes has not; ""
// if there is none. No caller may change the account of an administrator who may do more: a caller who sets
// the password can sign in with it.
func Outranked(u storage.User, scopes []string) string {
	return beyond(ScopesOf(u.TenantID, u.AdminRole), scopes)
}

// BeyondClient returns the first scope of the management API that the client may ask for and the holder of the
// scopes has not; "" if there is none. No such caller may change the client, or add it.
func BeyondClient(c storage.Client, scopes []string) string {
	var managing []string
	for _, scope := range c.Scopes() {
		if Exists(c.TenantID, scope) {
			managing = append(managing, scope)
		}
	}
	return beyond(managing, scopes)
}

// beyond returns the first of wanted that is not among has.
func beyond(wanted, has []string) string {
	for _, scope := range wanted {
		if !slices.Contains(has, scope) {
			return scope
		}
	}
	return ""
}
