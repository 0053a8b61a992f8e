package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ClientOf returns the client as which users sign in at the hosts of the file. It has a secret that is forgotten: its
// codes are redeemed inside the server, and nothing else can authenticate as the client. scheme is that of the issuer.
func ClientOf(f *rules.File, scheme string) storage.Client {
	pkce := true
	forgotten := sha256.Sum256([]byte(secret.Token()))
	c := storage.Client{
		TenantID: f.Tenant, ClientID: ClientID, ClientName: "Gateway", ApplicationType: "web",
		GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}, Scope: "openid",
		TokenEndpointAuthMethod: "client_secret_basic", SecretHashes: []string{"sha256$" + hex.EncodeToString(forgotten[:])},
		AccessTokenFormat: "jwt", IDTokenSignedResponseAlg: "RS256", FirstParty: true, RequirePKCE: &pkce,
	}
	for _, r := range f.Rules {
		for _, h := range r.Hosts {
			if uri := scheme + "://" + h + callbackPath; !r.Public && !slices.Contains(c.RedirectURIs, uri) {
				c.RedirectURIs = append(c.RedirectURIs, uri)
			}
		}
	}
	slices.Sort(c.RedirectURIs)
	return c
}

// Owns reports whether a stored client with the gateway's id is the gateway's own.
func Owns(c *storage.Client) bool {
	return !c.Declared && c.FirstParty && !slices.ContainsFunc(c.RedirectURIs, func(uri string) bool {
		return !strings.HasSuffix(uri, callbackPath)
	})
}

// Same reports whether a stored client is as it should be.
func Same(stored, want *storage.Client) bool {
	return slices.Equal(stored.RedirectURIs, want.RedirectURIs) && stored.Scope == want.Scope && !stored.Disabled &&
		slices.Equal(stored.GrantTypes, want.GrantTypes)
}
