package provider

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gorilla/mux"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
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

// Store is what the protocol remembers.
type Store interface {
	storage.Clients
	storage.Consents
	storage.Grants
	storage.Keys
	storage.SpentValues
	storage.Audit
	storage.Changes
	// User is for claims of the person in ID tokens.
	User(ctx context.Context, tenant, id string) (storage.User, error)
	// CredentialsOf tells whether a person has a second factor, for clients that ask for
	// it then.
	CredentialsOf(ctx context.Context, tenant, userID string) ([]storage.Credential, error)
}

// Config is what a Provider is made of. Every field without "default" is required.
type Config struct {
	Store   Store
	Secrets *secret.Masters
	// Ephemeral remembers for a while which authorization requests are finished.
	Ephemeral storage.Ephemeral
	Sessions  *browser.Sessions
	Limits    *limit.Limiter
	// ClientFailures bounds the failures of one client from one address to prove itself: see
	// attempt. Default 20 in a minute.
	ClientFailures limit.Rule
	// Errors shows what went wrong to whoever sits at the browser.
	Errors web.ErrorPage
	Log    *slog.Logger
	// Development tells clients why they were not believed.
	Development bool
	// Pages are where browsers are sent.
	Pages Pages
	// Fetch reads clients' jwks_uri. Default: a guarded fetcher that reaches public
	// addresses only.
	Fetch clientauth.Fetcher

	// AccessTokenAlgorithm signs JWT access tokens. Default ES256; or RS256, EdDSA.
	AccessTokenAlgorithm string
	// CodeLifetime bounds the time from consent to the token endpoint. Default 60 s.
	CodeLifetime time.Duration
	// RequestLifetime bounds the time that a person may take to sign in. Default 1 h.
	RequestLifetime time.Duration
	// AccessTokenLifetime is the default for clients that say nothing. Default 10 min.
	AccessTokenLifetime time.Duration
	// IDTokenLifetime is the default for clients that say nothing. Default 1 h.
	IDTokenLifetime time.Duration
	// RefreshTokenLifetime is how long a grant can be refreshed at all. Default 90 days.
	RefreshTokenLifetime time.Duration
	// RefreshTokenIdleLifetime ends a refresh token that is not used. Default 30 days.
	RefreshTokenIdleLifetime time.Duration
	// RefreshTokenGrace is how long after a rotation the predecessor yields the same
	// successor once more. Default 10 s.
	RefreshTokenGrace time.Duration
	// KeyRotation is how long a key signs. Default 90 days.
	KeyRotation time.Duration
}

// Pages are the paths, below a tenant's issuer, of the pages that package login
// serves. Each takes the sealed letter as i.
type Pages struct {
	Login        string // settles who it is
	SignUp       string // lets the person make an account; "" where there is no such page
	Select       string // lets the person choose an account
	SecondFactor string // settles that one proof was too little
	Consent      string // asks what the client may have
	SignOut      string // asks whether to sign out, when nobody else may decide it
	SignedOut    string // says that it is done
	Challenge    string // the authorization challenge endpoint; "" where there is none
	// Languages are those that the pages speak.
	Languages []string
	// Say returns the texts with the given ids in the language of the request, and the language.
	// Default: the ids themselves.
	Say func(r *http.Request, ids ...string) (lang string, in []string)
}

// settling returns the pages that settle a check of the authorization endpoint.
func (p *Pages) settling() authorize.Pages {
	return authorize.Pages{
		Login: p.Login, SignUp: p.SignUp, Select: p.Select, SecondFactor: p.SecondFactor, Consent: p.Consent, Say: p.Say,
	}
}

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
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.CodeLifetime, time.Minute)
	def(&c.RequestLifetime, time.Hour)
	def(&c.AccessTokenLifetime, 10*time.Minute)
	def(&c.IDTokenLifetime, time.Hour)
	def(&c.RefreshTokenLifetime, 90*24*time.Hour)
	def(&c.RefreshTokenIdleLifetime, 30*24*time.Hour)
	def(&c.RefreshTokenGrace, 10*time.Second)
	def(&c.KeyRotation, 90*24*time.Hour)
	if c.AccessTokenAlgorithm == "" {
		c.AccessTokenAlgorithm = "ES256"
	}
	if c.Fetch == nil {
		c.Fetch = clientauth.NewFetcher(clientauth.FetchConfig{})
	}
	if !slices.Contains(clients.SigningAlgorithms, jose.SignatureAlgorithm(c.AccessTokenAlgorithm)) {
		return nil, fmt.Errorf("access tokens cannot be signed with %q: use ES256, RS256 or EdDSA", c.AccessTokenAlgorithm)
	}
	p := &Provider{Config: c}
	p.clients = oauth.NewClients(c.Store)
	p.Keys = keys.NewRing(keys.Config{Lifetimes: c.KeyLifetimes(), Store: c.Store, Secrets: c.Secrets, Algorithm: c.AccessTokenAlgorithm, Record: p.observe})
	p.tokens = &tokens.Maker{
		Secrets: c.Secrets, Keys: p.Keys, AccessTokenAlgorithm: c.AccessTokenAlgorithm,
		CodeLifetime: c.CodeLifetime, DefaultAccessTokenLifetime: c.AccessTokenLifetime, DefaultIDTokenLifetime: c.IDTokenLifetime,
	}
	p.auth = clientauth.New(&clientauth.Authenticator{
		Clients: p.clients, Store: c.Store, Ephemeral: c.Ephemeral, Limits: c.Limits,
		Failures: c.ClientFailures, Fetch: c.Fetch, Development: c.Development,
	})
	p.origins = cache.Cache[originKey, bool]{Load: p.loadOrigin, Name: originKey.String}
	p.resource = &resource.Server{Store: c.Store, Clients: p.clients, Auth: p.auth, Tokens: p.tokens, Keys: p.Keys}
	p.logout = &logout.Server{
		Store: c.Store, Secrets: c.Secrets, Sessions: c.Sessions, Clients: p.clients, Tokens: p.tokens,
		SignOut: c.Pages.SignOut, SignedOut: c.Pages.SignedOut, LetterLifetime: authorize.LetterLifetime(c.RequestLifetime),
	}
	engine := engineConfig(&c, p.auth.Authenticate)
	handling := fosite.NewOAuth2Provider(p.clients, engine)
	p.authorize = &authorize.Server{
		Engine: handling, Store: c.Store, Secrets: c.Secrets, Ephemeral: c.Ephemeral, Sessions: c.Sessions, Clients: p.clients,
		Tokens: p.tokens, Pages: c.Pages.settling(), RequestLifetime: c.RequestLifetime,
	}
	p.token = token.New(&token.Server{
		Engine: handling, Store: c.Store, Tokens: p.tokens, Keys: p.Keys, Limits: c.Limits, Log: c.Log, Observe: p.observe,
		RefreshTokenLifetime: c.RefreshTokenLifetime, RefreshTokenIdleLifetime: c.RefreshTokenIdleLifetime,
		RefreshTokenGrace: c.RefreshTokenGrace,
	})
	engine.AuthorizeEndpointHandlers = p.authorize.Handlers()
	engine.TokenEndpointHandlers = p.token.Handlers()
	return p, nil
}

// Interaction returns the authorization request that a page was given as i. Its errors are for users
// (web.Problem).
func (p *Provider) Interaction(r *http.Request) (storage.Interaction, error) {
	return p.authorize.Interaction(r)
}

// KeyLifetimes says how long keys sign and stay published.
func (c *Config) KeyLifetimes() keys.Lifetimes {
	return keys.Lifetimes{Rotation: c.KeyRotation, Longest: max(c.AccessTokenLifetime, c.IDTokenLifetime, 24*time.Hour)}
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
