package tokens

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// An API may say how access tokens for it are made. A token is for an API if it has one of the API's scopes, and
// the API admits the client; or if the API is in its audience. What an API leaves open is as the client says. A token
// for several APIs is made as the strictest of them says: it is opaque, so that a revocation acts at once,
// if one of them wants that, and lives for the shortest of their lifetimes.

// isFor reports whether an access token of the client with these scopes and this audience is for the API.
func isFor(a *storage.API, c *storage.Client, scopes, audience []string) bool {
	id := strings.TrimSuffix(a.Identifier, "/")
	if slices.ContainsFunc(audience, func(aud string) bool { return strings.TrimSuffix(aud, "/") == id }) {
		return true
	}
	return a.Admits(c) && slices.ContainsFunc(a.Scopes, func(s storage.APIScope) bool {
		return slices.Contains(scopes, s.Name)
	})
}

// apisOf returns the APIs that an access token is for.
func apisOf(t *issuer.Tenant, c *storage.Client, scopes, audience []string) (all []*storage.API) {
	for i := range t.Settings.APIs {
		if a := &t.Settings.APIs[i]; isFor(a, c, scopes, audience) {
			all = append(all, a)
		}
	}
	return all
}

// AccessTokenLifetime returns how long an access token lives: as its APIs say, or the client, or else the default;
// but no longer than the signing key stays published.
func (m *Maker) AccessTokenLifetime(t *issuer.Tenant, c *storage.Client, scopes, audience []string) time.Duration {
	own := c.AccessTokenLifetime.Or(m.DefaultAccessTokenLifetime)
	shortest := m.Keys.Longest
	apis := apisOf(t, c, scopes, audience)
	for _, a := range apis {
		shortest = min(shortest, a.AccessTokenLifetime.Or(own))
	}
	if len(apis) == 0 {
		return min(shortest, own)
	}
	return shortest
}

// formatOpaque is the format of access tokens that only Vouchsafe can read.
const formatOpaque = "opaque"

// IsOpaque reports whether an access token is one that only Vouchsafe can read.
func IsOpaque(t *issuer.Tenant, c *storage.Client, scopes, audience []string) bool {
	apis := apisOf(t, c, scopes, audience)
	for _, a := range apis {
		if cmp.Or(a.AccessTokenFormat, c.AccessTokenFormat) == formatOpaque {
			return true
		}
	}
	return len(apis) == 0 && c.AccessTokenFormat == formatOpaque
}

// AccessTokenKey returns the key that signs access tokens of the client, or nil if they are opaque, whatever API they
// are for.
func (m *Maker) AccessTokenKey(ctx context.Context, t *issuer.Tenant, c *storage.Client) (*keys.Key, error) {
	if c.AccessTokenFormat == formatOpaque && !slices.ContainsFunc(t.Settings.APIs, func(a storage.API) bool {
		return a.AccessTokenFormat != "" && a.AccessTokenFormat != formatOpaque
	}) {
		return nil, nil
	}
	return m.Keys.Signing(ctx, t.ID, m.AccessTokenAlgorithm)
}
