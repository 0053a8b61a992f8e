package provider

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// newFosite makes the engine. One serves all tenants: what differs between them is
// found in the request's context.
func newFosite(p *Provider) *fosite.Fosite {
	exact := fosite.ExactScopeStrategy
	return fosite.NewOAuth2Provider(fositeStore{p}, fositeConfig{
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
			ClientAuthenticationStrategy: p.authenticateClient,
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

// fositeStore is all of the storage that fosite itself asks for.
type fositeStore struct{ p *Provider }

func (s fositeStore) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	c, err := s.p.client(ctx, web.TenantOf(ctx).ID, id)
	if err != nil {
		return nil, err
	}
	return fositeClient{c}, nil
}

// errNotHere answers for the parts of fosite that ours replace: assertion.go verifies
// client assertions.
var errNotHere = errors.New("client assertions are not verified by fosite")

func (fositeStore) ClientAssertionJWTValid(context.Context, string) error { return errNotHere }

func (fositeStore) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return errNotHere
}

// fositeClient is a client as fosite sees it.
type fositeClient struct{ *storage.Client }

func (c fositeClient) GetID() string                      { return c.ClientID }
func (c fositeClient) GetHashedSecret() []byte            { return nil } // clientauth.go compares secrets
func (c fositeClient) GetRedirectURIs() []string          { return c.RedirectURIs }
func (c fositeClient) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c fositeClient) GetResponseTypes() fosite.Arguments { return c.ResponseTypes }
func (c fositeClient) GetScopes() fosite.Arguments        { return c.Scopes() }
func (c fositeClient) IsPublic() bool                     { return c.Public() }
func (c fositeClient) GetAudience() fosite.Arguments      { return c.Audience }

// GetResponseModes makes explicit response modes work at all (fosite.ResponseModeClient).
func (c fositeClient) GetResponseModes() []fosite.ResponseModeType { return responseModes }

func (c fositeClient) GetRequestURIs() []string                 { return nil }
func (c fositeClient) GetJSONWebKeys() *jose.JSONWebKeySet      { return nil }
func (c fositeClient) GetJSONWebKeysURI() string                { return "" }
func (c fositeClient) GetRequestObjectSigningAlgorithm() string { return "" }
func (c fositeClient) GetTokenEndpointAuthMethod() string       { return c.TokenEndpointAuthMethod }
func (c fositeClient) GetTokenEndpointAuthSigningAlgorithm() string {
	return c.TokenEndpointAuthSigningAlg
}

var (
	_ fosite.Client              = fositeClient{}
	_ fosite.OpenIDConnectClient = fositeClient{}
	_ fosite.ResponseModeClient  = fositeClient{}
)
