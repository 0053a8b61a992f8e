package provider

import (
	"context"
	"net/url"

	"github.com/ory/fosite"
)

// newFosite makes the engine. One serves all tenants: what differs between them is
// found in the request's context.
func newFosite(p *Provider) *fosite.Fosite {
	exact := fosite.ExactScopeStrategy
	return fosite.NewOAuth2Provider(p.clients, fositeConfig{
		Config: &fosite.Config{
			// Every field that has a getter with a default is set, because those getters
			// write to the struct without a lock.
			ScopeStrategy:                exact,
			AudienceMatchingStrategy:     fosite.ExactAudienceMatchingStrategy,
			RedirectSecureChecker:        func(context.Context, *url.URL) bool { return true }, // clients.Validate decided it
			AccessTokenLifespan:          p.AccessTokenLifetime,
			RefreshTokenLifespan:         p.RefreshTokenLifetime,
			AuthorizeCodeLifespan:        p.CodeLifetime,
			IDTokenLifespan:              p.IDTokenLifetime,
			TokenEntropy:                 32,
			MinParameterEntropy:          fosite.MinParameterEntropy,
			OmitRedirectScopeParam:       true,
			SendDebugMessagesToClients:   false,
			EnforcePKCE:                  false, // authorize.go does, per client
			AuthorizeEndpointHandlers:    fosite.AuthorizeEndpointHandlers{codeHandler{p}},
			ClientAuthenticationStrategy: p.auth.Authenticate,
		},
	})
}

// fositeConfig is fosite's configuration with what depends on the request.
type fositeConfig struct{ *fosite.Config }

type grantHandlerKey struct{}

// withGrantHandler says which grant type the token request is for.
func withGrantHandler(ctx context.Context, h fosite.TokenEndpointHandler) context.Context {
	return context.WithValue(ctx, grantHandlerKey{}, h)
}

// GetTokenEndpointHandlers gives the one handler of the request's grant type, so that
// no other looks at the request.
func (fositeConfig) GetTokenEndpointHandlers(ctx context.Context) fosite.TokenEndpointHandlers {
	if h, ok := ctx.Value(grantHandlerKey{}).(fosite.TokenEndpointHandler); ok {
		return fosite.TokenEndpointHandlers{h}
	}
	return nil
}
