package provider

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/authorize"
	"github.com/vouchsafe/vouchsafe/provider/clientauth"
	"github.com/vouchsafe/vouchsafe/provider/documents"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/resource"
	"github.com/vouchsafe/vouchsafe/provider/token"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// Store is what the protocol asks of storage.
type Store interface {
	authorize.Store
	token.Store
	resource.Store
	keys.Store
	tokens.Store
	storage.Clients
	storage.PairwiseKeys
	// Record records an event that is part of no change.
	Record(ctx context.Context, e storage.Event) error
}

// Config is what a Provider is made of. Every field without "default" is required.
type Config struct {
	Store   Store
	Secrets *secret.Masters
	// Ephemeral remembers for a while which authorization requests are finished.
	Ephemeral ephemeral.Store
	Sessions  *browser.Sessions
	Limits    *limit.Limiter
	// APIKeys reads the API keys that requests bring. Default: there are none.
	APIKeys oauth.APIKeys
	// FirstActivity reports whether a refresh is the first activity of its user, who signed in at that time, on this day:
	// then it is recorded. Default: none is.
	FirstActivity func(ctx context.Context, tenant, user string, signedIn, now time.Time) bool
	// ClientFailures bounds the failures of one client from one address to authenticate. Default 20 in
	// a minute.
	ClientFailures limit.Rule
	// Errors is the page that shows an error to the user.
	Errors web.ErrorPage
	Log    *slog.Logger
	// Development adds to the error of a client that failed to authenticate the reason, which an attacker must not
	// learn.
	Development bool
	// Pages are where browsers are sent.
	Pages Pages
	// Fetch reads clients' jwks_uri. Default: a guarded fetcher that reaches public
	// addresses only.
	Fetch clientauth.Fetcher
	// Documents reads the metadata of clients that are named by a URL. Default: what reaches public addresses only.
	Documents *documents.Fetcher

	// Certificates says that certificates that clients present in TLS count (RFC 8705). CertificatesURL is where they
	// present them, a URL without a path; "" for the issuer. Authorities issue those of clients with tls_client_auth; nil
	// for none.
	Certificates    bool
	CertificatesURL string
	Authorities     *x509.CertPool

	// AccessTokenAlgorithm signs JWT access tokens. Default ES256; or RS256, EdDSA.
	AccessTokenAlgorithm string
	// CodeLifetime bounds the time from consent to the token endpoint. Default 60 s.
	CodeLifetime time.Duration
	// RequestLifetime bounds the time that a user may take to sign in. Default 1 h.
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
// serves. Each takes the sealed authorization request as the parameter i.
type Pages struct {
	Login        string // settles who the user is
	SignUp       string // lets the user make an account; "" where there is no such page
	Select       string // lets the user choose an account
	SecondFactor string // settles that one proof was too little
	NoAccess     string // says that the user may not use the client
	Consent      string // asks what the client may have
	Device       string // takes the code that a device shows
	SignOut      string // asks whether to sign out, when only the user may decide it
	SignedOut    string // says that it is done
	// AuthorizationChallenge is the authorization challenge endpoint; "" where there is none.
	AuthorizationChallenge string
	// Languages are those that the pages speak.
	Languages []string
	// Say returns the texts with the given ids in the language of the request, and the language.
	// Default: the ids themselves.
	Say func(r *http.Request, ids ...string) (lang string, in []string)
}

// settlingPages returns the pages that settle a check of the authorization endpoint.
func (p *Pages) settlingPages() authorize.Pages {
	return authorize.Pages{
		Login: p.Login, SignUp: p.SignUp, Select: p.Select, SecondFactor: p.SecondFactor,
		NoAccess: p.NoAccess, Consent: p.Consent, Device: p.Device, Say: p.Say,
	}
}

// complete sets the defaults. It returns an error that names what is missing or cannot work.
func (c *Config) complete() error {
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
	if c.APIKeys == nil {
		c.APIKeys = oauth.NoAPIKeys{}
	}
	if c.Fetch == nil {
		c.Fetch = clientauth.NewFetcher(clientauth.FetchConfig{})
	}
	if c.Documents == nil {
		c.Documents = documents.NewFetcher(outbound.Config{})
	}
	if !slices.Contains(clients.SigningAlgorithms, jose.SignatureAlgorithm(c.AccessTokenAlgorithm)) {
		return fmt.Errorf("access tokens cannot be signed with %q: use ES256, RS256 or EdDSA", c.AccessTokenAlgorithm)
	}
	return nil
}

// KeyLifetimes returns how long keys sign and stay published.
func (c *Config) KeyLifetimes() keys.Lifetimes {
	return keys.Lifetimes{Rotation: c.KeyRotation, Longest: max(c.AccessTokenLifetime, c.IDTokenLifetime, 24*time.Hour)}
}
