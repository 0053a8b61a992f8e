package tokens

import (
	"net/url"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Resources returns the audience of the tokens that a client asks for by the values of the parameter resource
// (RFC 8707 section 2), each once; nil without any. Each has to name what the client may ask tokens for: an API of the
// tenant that admits it, an entry of its registered audience, the issuer, or the management API. One trailing
// slash makes no difference. The error is invalid_target.
func Resources(t *issuer.Tenant, c *storage.Client, asked []string) ([]string, error) {
	return named(asked, func(resource string) string { return target(t, c, resource) })
}

// Narrowed returns the part of an audience that the values of the parameter resource ask for; nil without any. The
// error is invalid_target if a value isn't in the audience: a token request asks for no more than was authorized
// (RFC 8707 section 2.2).
func Narrowed(audience, asked []string) ([]string, error) {
	return named(asked, func(resource string) string { return find(audience, resource) })
}

// named returns what the values name, each once. find returns "" for a value that names nothing.
func named(asked []string, find func(resource string) string) (all []string, err error) {
	for _, resource := range asked {
		if resource == "" { // as if it were missing (RFC 6749 section 3.1)
			continue
		}
		identifier := find(resource)
		if identifier == "" && !isAbsolute(resource) {
			return nil, oauth.ErrInvalidTarget.WithDescription("resource has to be an absolute URI without a fragment.")
		}
		if identifier == "" {
			return nil, oauth.ErrInvalidTarget.WithDescription("resource names no API that this request may ask for. " +
				"An operator registers APIs, and says which clients may ask for them, with `vouchsafe api`.")
		}
		if !slices.Contains(all, identifier) {
			all = append(all, identifier)
		}
	}
	return all, nil
}

// isAbsolute reports whether s is an absolute URI without a fragment.
func isAbsolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && !strings.Contains(s, "#")
}

// target returns the identifier of what the client may ask tokens for under a name, or "".
func target(t *issuer.Tenant, c *storage.Client, resource string) string {
	for i := range t.Settings.APIs {
		if a := &t.Settings.APIs[i]; sameResource(a.Identifier, resource) && a.Admits(c) {
			return a.Identifier
		}
	}
	if own := find(c.Audience, resource); own != "" {
		return own
	}
	return find(OwnResources(t), resource)
}

// OwnResources returns the identifiers of what this server protects itself: userinfo, and the management API.
func OwnResources(t *issuer.Tenant) []string { return []string{t.Issuer, t.URL("/api/v1")} }

// find returns the member of the audience that has the name, or "".
func find(audience []string, resource string) string {
	i := slices.IndexFunc(audience, func(aud string) bool { return sameResource(aud, resource) })
	if i < 0 {
		return ""
	}
	return audience[i]
}

// sameResource reports whether two identifiers name one API.
func sameResource(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }

// StillAllowed returns what the client may still ask tokens for, of the audience of a grant: APIs are removed, and stop
// to admit clients.
func StillAllowed(t *issuer.Tenant, c *storage.Client, audience []string) []string {
	all := make([]string, 0, len(audience))
	for _, aud := range audience {
		if target(t, c, aud) != "" {
			all = append(all, aud)
		}
	}
	return all
}

// ScopesAt returns the scopes that mean something at the audience: those of its APIs, and those of no API (RFC 8707
// section 2.2).
func ScopesAt(t *issuer.Tenant, audience, scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
		known, here := false, false
		for i := range t.Settings.APIs {
			a := &t.Settings.APIs[i]
			if slices.ContainsFunc(a.Scopes, func(s storage.APIScope) bool { return s.Name == scope }) {
				known, here = true, here || slices.Contains(audience, a.Identifier)
			}
		}
		return known && !here
	})
}
