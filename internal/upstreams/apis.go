package upstreams

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// apis are the calls of presets without OpenID. Every such preset has a row.
var apis = map[string]struct {
	endpoint func(base string) oauth2.Endpoint
	// identify returns who the owner of an access token is.
	identify func(ctx context.Context, p *provider, accessToken string) (upstream.Identity, error)
}{
	"facebook": {facebookEndpoint, facebookUser},
	"github":   {gitHubEndpoint, gitHubUser},
	"discord":  {discordEndpoint, discordUser},
}
