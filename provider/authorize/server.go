package authorize

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// Server serves the authorization endpoint. All fields are required.
type Server struct {
	// Engine parses requests and calls the handlers that are registered with it. Handlers returns
	// those of this endpoint.
	Engine  *fosite.Fosite
	Store   Store
	Limits  *limit.Limiter
	Secrets *secret.Masters
	// Ephemeral remembers for a while which requests are finished.
	Ephemeral ephemeral.Store
	Sessions  *browser.Sessions
	Clients   *oauth.Clients
	// Find returns a client that may be used. It may read the client's metadata first.
	Find func(ctx context.Context, t *issuer.Tenant, id string) (*storage.Client, error)
	// Signed returns nil if the client signed a JWT that it sent, by the algorithm want unless that is "".
	Signed func(ctx context.Context, c *storage.Client, signed *jose.JSONWebSignature, want string) error
	Tokens *tokens.Maker
	// Proofs checks the proofs of possession of pushed requests.
	Proofs *dpop.Checker
	Pages  Pages
	// RequestLifetime bounds the time that a user may take to sign in.
	RequestLifetime time.Duration
}

// Store is what the policy asks of storage.
type Store interface {
	Consent(ctx context.Context, tenant, userID, clientID string) (storage.Consent, error)
	// CredentialsOf tells whether a user has a second factor, for clients that ask for it then.
	CredentialsOf(ctx context.Context, tenant, userID string) ([]storage.Credential, error)
	// Belonging tells the user's groups, for clients that only some groups may use.
	Belonging(ctx context.Context, tenant, userID string) (storage.Belonging, error)
	User(ctx context.Context, tenant, id string) (storage.User, error)
	// Code, CodeFor and Apply keep the requests of devices.
	Code(ctx context.Context, tenant, id string, now time.Time) (storage.Code, error)
	CodeFor(ctx context.Context, tenant, purpose, target string, now time.Time) (storage.Code, error)
	Apply(ctx context.Context, c storage.Change) error
}

// Pages are the paths, below a tenant's issuer, of the pages that settle a check. Each takes the sealed
// letter as i.
type Pages struct {
	Login        string // settles who the user is
	SignUp       string // lets the user make an account; "" where there is no such page
	Select       string // lets the user choose an account
	SecondFactor string // settles that one proof was too little
	NoAccess     string // says that the user may not use the client
	Consent      string // asks what the client may have
	Device       string // takes the code that a device shows
	// Say returns the texts with the given ids in the language of the request, and the language.
	// Default: the ids themselves.
	Say sayer
}
