package apikeys

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ScopesOfUser returns the scopes that keys of the user may have: those about the user's own claims, those of the
// tenant's APIs that any client may ask for, and those of the user's role as an administrator.
func ScopesOfUser(t *issuer.Tenant, u *storage.User) []string {
	all := append([]string{"openid"}, claims.Standard.Scopes()...)
	for i := range t.Settings.APIs {
		if a := &t.Settings.APIs[i]; len(a.Clients) == 0 || slices.Contains(a.Clients, storage.AnyClient) {
			for _, s := range a.Scopes {
				all = append(all, s.Name)
			}
		}
	}
	return append(all, slices.DeleteFunc(administration.ScopesOf(t.ID, u.AdminRole), func(scope string) bool {
		return scope == administration.SignInAs // it needs a session
	})...)
}

// ScopesOfClient returns the scopes that keys of the client may have: those that it may get tokens with for itself.
func ScopesOfClient(t *issuer.Tenant, c *storage.Client) []string {
	return slices.DeleteFunc(c.Scopes(), func(scope string) bool {
		aboutUser := scope == "openid" || scope == "offline_access" || slices.Contains(claims.Standard.Scopes(), scope)
		return aboutUser || !t.Settings.AdmitsScope(c, scope)
	})
}

// scopesOf returns the scopes that keys of the owner may have.
func scopesOf(t *issuer.Tenant, o storage.APIKeyOwner) []string {
	if o.Client != nil {
		return ScopesOfClient(t, o.Client)
	}
	return ScopesOfUser(t, o.User)
}
