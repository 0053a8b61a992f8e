package clients

import (
	"net/url"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Kinds of applications, by what they can keep secret and whether they act for a user.
const (
	Web     = "web"     // has a server that keeps a secret
	SPA     = "spa"     // runs in the browser
	Native  = "native"  // an app on a device
	Service = "service" // acts for itself, without a user
	Device  = "device"  // has no browser: its user allows it in a browser elsewhere
)

// SetKind gives a new client the grant types, authentication method and origins that suit its kind. Its
// redirect URIs must be set.
func SetKind(c *storage.Client, kind string) {
	c.GrantTypes = []string{"authorization_code", "refresh_token"}
	switch kind {
	case SPA:
		c.TokenEndpointAuthMethod = "none"
		c.AllowedCORSOrigins = originsOf(c.RedirectURIs)
	case Native:
		c.TokenEndpointAuthMethod, c.ApplicationType = "none", "native"
	case Service:
		c.GrantTypes = []string{"client_credentials"}
	case Device:
		c.GrantTypes = []string{DeviceGrant, "refresh_token"}
		c.TokenEndpointAuthMethod, c.ApplicationType = "none", "native"
	}
}

// originsOf returns the origins of a browser application's pages, whose scripts will call the
// endpoints. Validate reports the URIs that have none.
func originsOf(uris []string) (origins []string) {
	for _, uri := range uris {
		u, err := url.Parse(uri)
		if err != nil || u.Host == "" {
			continue
		}
		if o := u.Scheme + "://" + u.Host; !slices.Contains(origins, o) {
			origins = append(origins, o)
		}
	}
	return origins
}
