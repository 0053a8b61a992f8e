package provider

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/provider/authorize"
	"github.com/vouchsafe/vouchsafe/provider/clientauth"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/logout"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/resource"
	"github.com/vouchsafe/vouchsafe/provider/token"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Provider serves the protocol for all tenants.
type Provider struct {
	Config
	clients *oauth.Clients
	// Keys are the signing keys of all tenants.
	Keys *keys.Ring

	auth      *clientauth.Authenticator
	tokens    *tokens.Maker
	authorize *authorize.Server
	token     *token.Server
	logout    *logout.Server
	resource  *resource.Server
	origins   cache.Cache[originKey, bool]
	endpoints []Endpoint

	keyDocuments, metadataDocuments published
}

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
		DefaultIDTokenLifetime: c.IDTokenLifetime,
	}
	p.auth = clientauth.New(&clientauth.Authenticator{
		Clients: p.clients, Store: c.Store, Ephemeral: c.Ephemeral, Limits: c.Limits,
		Failures: c.ClientFailures, Fetch: c.Fetch, Development: c.Development,
	})
	p.origins = cache.Cache[originKey, bool]{Load: p.loadOrigin, Name: originKey.String}
	p.resource = &resource.Server{Store: c.Store, Clients: p.clients, Tokens: p.tokens, Keys: p.Keys}
	p.logout = &logout.Server{
		Store: c.Store, Secrets: c.Secrets, Sessions: c.Sessions, Clients: p.clients, Tokens: p.tokens,
		SignOut: c.Pages.SignOut, SignedOut: c.Pages.SignedOut, LetterLifetime: authorize.LetterLifetime(c.RequestLifetime),
	}
	p.employEngine()
	p.endpoints = p.table()
	return p, nil
}

// Interaction returns the authorization request that a page was given as i. Its errors are for users
// (web.Problem).
func (p *Provider) Interaction(r *http.Request) (storage.Interaction, error) {
	return p.authorize.Interaction(r)
}
