package storage

import (
	"context"
	"time"
)

// Grant is one authorization: what a person allowed a client in one go. Tokens name
// it; when it is revoked they are dead.
type Grant struct {
	TenantID string
	ID       string // UUIDv7
	CodeID   string // the authorization code that made it; unique; "" for none
	UserID   string
	ClientID string
	// SessionID is the session in which it was given. Unless Offline, the grant dies with it.
	SessionID string
	Offline   bool // offline_access was granted
	// Consented: the person's consent to the client is what the code rests on, and must
	// still be there when it is redeemed. It is not kept.
	Consented         bool
	CredentialVersion int64
	Scopes            []string
	Audience          []string
	Claims            []byte // the claims parameter (OIDC Core 5.5) as it came, or nil
	AuthTime          time.Time
	AMR               []string
	ACR               string

	// Generation is that of the one living refresh token; 0 when none was given.
	Generation    int64
	RotatedAt     time.Time // when Generation was reached
	IdleExpiresAt time.Time // end of the refresh token's life when it is not used; zero: never
	ExpiresAt     time.Time // end of everything the grant can give
	CreatedAt     time.Time
	RevokedAt     time.Time // zero while it lives
	RevokedWhy    string
}

// GrantFilter names grants by every field that is not empty. The empty filter names none.
type GrantFilter struct {
	ID        string
	CodeID    string
	UserID    string
	ClientID  string
	SessionID string
}

// Grants keeps the grants. A grant lives while it is not revoked, not past
// ExpiresAt, its person exists, is enabled and has its CredentialVersion, and its
// session (unless Offline or SessionID is "") has not ended; its client exists and
// is enabled. A Change revokes them.
type Grants interface {
	// RedeemCode stores the grant that a code stands for and returns its user. ErrExists: the code was
	// spent before; the grant it made is then revoked. ErrNotFound: the person,
	// session or client is dead, or the consent is withdrawn. Whatever ends a session or
	// a consent at the same moment and then revokes misses no grant.
	RedeemCode(ctx context.Context, g Grant) (User, error)
	// Rotate makes gen+1 the living generation when gen is and the grant lives, and
	// sets IdleExpiresAt. One conditional update, which returns the new grant and its user.
	// ErrStale otherwise, whatever the reason: read the grant to learn it.
	Rotate(ctx context.Context, tenant, id, clientID string, gen int64, idleExpiresAt, now time.Time) (Grant, User, error)
	// Touch is Rotate for clients whose refresh tokens do not rotate: gen stays.
	Touch(ctx context.Context, tenant, id, clientID string, gen int64, idleExpiresAt, now time.Time) (Grant, User, error)
	// Grant is the grant, dead or alive.
	Grant(ctx context.Context, tenant, id string) (Grant, error)
	// LiveGrant is the grant and its person when the grant lives and the access token
	// jti is not revoked: one read. ErrNotFound otherwise.
	LiveGrant(ctx context.Context, tenant, id, jti string, now time.Time) (Grant, User, error)
	// GrantsOf lists a person's grants that are neither revoked nor expired, newest first.
	GrantsOf(ctx context.Context, tenant, userID string, now time.Time) ([]Grant, error)
}

// Purposes of Spent.
const (
	SpentAssertion   = "assertion"    // a client assertion's jti, prefixed by the client's id
	SpentAccessToken = "access_token" // the jti of a revoked access token
	SpentSetup       = "setup"        // the link that creates the first administrator
	SpentPasskey     = "passkey"      // the challenge that a passkey has answered
)

// Spent is a value that must never work again before ExpiresAt.
type Spent struct {
	TenantID  string
	Purpose   string
	Value     string
	ExpiresAt time.Time // after it the value is refused for its age, and the row may go
}

// FirstAdministrator returns what is spent when the default tenant gets its first administrator: after it,
// the link by which one is made works no more.
func FirstAdministrator() Spent {
	return Spent{
		TenantID: DefaultTenant, Purpose: SpentSetup, Value: "first administrator",
		ExpiresAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// SpentValues keeps what was used up.
type SpentValues interface {
	// Spend marks the value once. ErrExists: it was spent before.
	Spend(ctx context.Context, s Spent) error
	// IsSpent says whether it was.
	IsSpent(ctx context.Context, tenant, purpose, value string) (bool, error)
}
