package provider

import (
	"context"
	"net/http"
	"net/url"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// authenticateClient is fosite's ClientAuthenticationStrategy. The methods that an endpoint takes are
// in its row of the table.
func (p *Provider) authenticateClient(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	var methods []string
	if e := p.Endpoint(r.URL.Path); e != nil {
		methods = e.Clients
	}
	c, err := p.auth.Authenticate(ctx, r, form, methods)
	if err != nil {
		return nil, err
	}
	return oauth.Client{Client: c}, nil
}

// engineConfig returns fosite's configuration, but for the handlers. One engine serves all tenants: what
// differs between them is found in the request's context.
func engineConfig(c *Config, authenticate fosite.ClientAuthenticationStrategy) *fosite.Config {
	return &fosite.Config{
		// Every field that has a getter with a default is set, because those getters
		// write to the struct without a lock.
		ScopeStrategy:                fosite.ExactScopeStrategy,
		AudienceMatchingStrategy:     fosite.ExactAudienceMatchingStrategy,
		RedirectSecureChecker:        func(context.Context, *url.URL) bool { return true }, // clients.Validate decided it
		AccessTokenLifespan:          c.AccessTokenLifetime,
		RefreshTokenLifespan:         c.RefreshTokenLifetime,
		AuthorizeCodeLifespan:        c.CodeLifetime,
		IDTokenLifespan:              c.IDTokenLifetime,
		TokenEntropy:                 32,
		MinParameterEntropy:          fosite.MinParameterEntropy,
		OmitRedirectScopeParam:       true,
		SendDebugMessagesToClients:   false,
		EnforcePKCE:                  false, // provider/authorize does, per client
		ClientAuthenticationStrategy: authenticate,
	}
}
