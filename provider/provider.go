package provider

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/web"
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
		Lifetimes: c.KeyLifetimes(), Store: c.Store, Secrets: c.Secrets, Algorithm: c.AccessTokenAlgorithm, Record: p.observe,
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
	return p, nil
}

// Interaction returns the authorization request that a page was given as i. Its errors are for users
// (web.Problem).
func (p *Provider) Interaction(r *http.Request) (storage.Interaction, error) {
	return p.authorize.Interaction(r)
}

// Register adds the routes to r. Paths are below the tenant's issuer; web.Tenancy has
// taken the rest off.
func (p *Provider) Register(r *mux.Router) {
	page := func(h func(http.ResponseWriter, *http.Request) error) http.Handler {
		return web.Handler(p.Errors, h)
	}
	api := func(h func(http.ResponseWriter, *http.Request) error) http.Handler {
		return oauth.Handler(h)
	}
	// The hot ones first: gorilla/mux looks from top to bottom.
	r.Handle("/token", p.cors(api(p.token.Token)))
	r.Handle("/userinfo", p.cors(api(p.resource.Userinfo)))
	r.Handle("/introspect", api(p.resource.Introspect))
	r.Handle("/authorize", page(p.authorize.Authorize))
	r.Handle("/jwks", web.Public(api(p.jwks)))
	r.Handle("/.well-known/openid-configuration", web.Public(api(p.discovery)))
	r.Handle("/.well-known/oauth-authorization-server", web.Public(api(p.discovery)))
	r.Handle("/revoke", p.cors(api(p.resource.Revoke)))
	r.Handle("/logout", page(p.logout.Logout))
}

// programs are the endpoints that answer JSON, errors too.
var programs = []string{"/token", "/introspect", "/revoke", "/userinfo", "/jwks", "/authorize-challenge"}

// ErrorPage is page, but for endpoints that programs call: what went wrong before a
// request reached one of those, such as its tenant not being found, is JSON too.
func (p *Provider) ErrorPage(page web.ErrorPage) web.ErrorPage {
	return func(w http.ResponseWriter, r *http.Request, prob *web.Problem) {
		path := r.URL.Path
		if rest, ok := strings.CutPrefix(path, "/t/"); ok {
			_, path, _ = strings.Cut(rest, "/")
			path = "/" + path
		}
		switch program := slices.Contains(programs, path); {
		case program && prob.Status >= 500:
			oauth.WriteError(w, r, prob)
		case program: // with all that it says to developers, where it does
			r = r.Clone(r.Context())
			r.Header.Set("Accept", "application/json")
			page(w, r, prob)
		default:
			page(w, r, prob)
		}
	}
}
