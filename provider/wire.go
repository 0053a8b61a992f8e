package provider

import (
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/provider/authorize"
	"github.com/vouchsafe/vouchsafe/provider/clientauth"
	"github.com/vouchsafe/vouchsafe/provider/documents"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/logout"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/register"
	"github.com/vouchsafe/vouchsafe/provider/resource"
	"github.com/vouchsafe/vouchsafe/provider/token"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
)

// New checks and completes the Config.
func New(c Config) (*Provider, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	p := &Provider{Config: c}
	p.clients = oauth.NewClients(c.Store)
	p.Keys = keys.NewRing(keys.Config{
		Lifetimes: c.KeyLifetimes(), Store: c.Store, Secrets: c.Secrets, Algorithm: c.AccessTokenAlgorithm,
	})
	p.tokens = &tokens.Maker{
		Secrets: c.Secrets, Keys: p.Keys, AccessTokenAlgorithm: c.AccessTokenAlgorithm,
		CodeLifetime: c.CodeLifetime, DefaultAccessTokenLifetime: c.AccessTokenLifetime,
		DefaultIDTokenLifetime: c.IDTokenLifetime, Store: c.Store,
		Pairwise: &pairwise.Service{Store: c.Store, Secrets: c.Secrets},
	}
	p.auth = clientauth.New(&clientauth.Authenticator{
		Clients: p.clients, Store: c.Store, Ephemeral: c.Ephemeral, Limits: c.Limits,
		Failures: c.ClientFailures, Fetch: c.Fetch, Authorities: mtls.NewAuthorities(c.Authorities),
		Development: c.Development,
	})
	p.origins = cache.Cache[originKey, bool]{Load: p.loadOrigin, Name: originKey.String}
	p.proofs = &dpop.Checker{Secrets: c.Secrets, Store: c.Store}
	if c.CertificatesURL != "" {
		p.proofs.Alias = p.aliasOf
	}
	p.resource = &resource.Server{
		Store: c.Store, Clients: p.clients, Tokens: p.tokens, Keys: p.Keys, APIKeys: c.APIKeys, Proofs: p.proofs,
	}
	p.logout = &logout.Server{
		Store: c.Store, Secrets: c.Secrets, Sessions: c.Sessions, Clients: p.clients, Tokens: p.tokens,
		SignOut: c.Pages.SignOut, SignedOut: c.Pages.SignedOut, LetterLifetime: authorize.LetterLifetime(c.RequestLifetime),
	}
	p.register = &register.Server{
		Store: c.Store, Limits: c.Limits, Bearer: p.resource.BearerOf, CheckSector: c.Documents.CheckSector,
	}
	p.makeEngine()
	p.endpoints = p.table()
	return p, nil
}

// makeEngine makes fosite's engine and the endpoints whose handlers it calls, and registers the handlers with
// it.
func (p *Provider) makeEngine() {
	config := engineConfig(&p.Config, p.authenticateClient)
	engine := fosite.NewOAuth2Provider(p.clients, config)
	find := &documents.Reader{Store: p.Store, Clients: p.clients, Fetcher: p.Documents, Limits: p.Limits}
	p.authorize = &authorize.Server{
		Engine: engine, Store: p.Store, Limits: p.Limits, Secrets: p.Secrets, Ephemeral: p.Ephemeral,
		Sessions: p.Sessions, Clients: p.clients, Find: find.Client, Signed: p.auth.Signed, Tokens: p.tokens,
		Proofs: p.proofs, Pages: p.Pages.settlingPages(),
		RequestLifetime: p.RequestLifetime,
	}
	p.token = token.New(&token.Server{
		Engine: engine, Store: p.Store, Tokens: p.tokens, Keys: p.Keys, Limits: p.Limits, Log: p.Log, Observe: p.observe,
		APIKeys: p.APIKeys, Proofs: p.proofs, Living: p.resource.Living, Workload: p.auth.Workload, First: p.FirstActivity,
		RefreshTokenLifetime: p.RefreshTokenLifetime, RefreshTokenIdleLifetime: p.RefreshTokenIdleLifetime,
		RefreshTokenGrace: p.RefreshTokenGrace,
	})
	p.resource.Engine = engine
	config.AuthorizeEndpointHandlers = p.authorize.Handlers()
	config.PushedAuthorizeEndpointHandlers = p.authorize.PushHandlers()
	config.TokenEndpointHandlers = p.token.Handlers()
	config.TokenIntrospectionHandlers = fosite.TokenIntrospectionHandlers{p.resource}
	config.RevocationHandlers = fosite.RevocationHandlers{p.resource}
}
