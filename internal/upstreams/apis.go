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
	identify func(ctx context.Context, p *provider, token *oauth2.Token) (upstream.Identity, error)
}{
	"facebook": {facebookEndpoint, byAccessToken(facebookUser)},
	"github":   {gitHubEndpoint, byAccessToken(gitHubUser)},
	"discord":  {discordEndpoint, byAccessToken(discordUser)},
	"vk":       {vkEndpoint, vkUser},
}

// byAccessToken returns the function for a provider that needs no more of an answer than the access token.
func byAccessToken(identify func(context.Context, *provider, string) (upstream.Identity, error)) func(
	context.Context, *provider, *oauth2.Token) (upstream.Identity, error) {
	return func(ctx context.Context, p *provider, token *oauth2.Token) (upstream.Identity, error) {
		return identify(ctx, p, token.AccessToken)
	}
}
