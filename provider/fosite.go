package provider

import (
	"context"
	"net/url"

	"github.com/ory/fosite"
)

// engineConfig returns fosite's configuration. One engine serves all tenants: what differs between them
// is found in the request's context. The handlers of the endpoints are registered with it in New.
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
