package storage

import (
	"context"
	"time"
)

// Grant is one authorization of a client by a user. Tokens name their grant and are invalid once it is
// revoked.
type Grant struct {
	TenantID string
	ID       string // UUIDv7
	CodeID   string // the authorization code that made it; unique; "" for none
	UserID   string
	ClientID string
	// SessionID is the session in which the user gave the grant. Unless Offline, the grant ends with it.
	SessionID string
	Offline   bool // offline_access was granted
	// Consented says that the code depends on the user's consent to the client, which must still exist
	// when the code is redeemed. It is not stored.
	Consented bool
	// ActorID is the administrator who uses the session in the place of its user; "" if its user does. It is not
	// stored: tokens name the administrator, and there is no refresh token.
	ActorID           string
	CredentialVersion int64
	Scopes            []string
	Audience          []string
	Claims            []byte // the claims parameter (OIDC Core 5.5) as it came, or nil
	AuthTime          time.Time
	AMR               []string
	ACR               string

	// Generation is the number of the one valid refresh token; 0 if there is none.
	Generation    int64
	RotatedAt     time.Time // when Generation was reached
	IdleExpiresAt time.Time // when an unused refresh token expires; zero for never
	ExpiresAt     time.Time // when the grant and all of its tokens expire
	CreatedAt     time.Time
	RevokedAt     time.Time // zero while the grant is not revoked
	RevokedWhy    string
}

// GrantFilter names the grants that match every field that is not empty. The empty filter names none.
type GrantFilter struct {
	ID        string
	CodeID    string
	UserID    string
	ClientID  string
	SessionID string
}

// Grants keeps the grants. A Change revokes them. A grant is alive while it is neither revoked nor past
// ExpiresAt, its user exists, is enabled and has its CredentialVersion, its
// session (unless Offline or SessionID is "") has not ended and may still be used by its administrator if it has an
// Act, and its client exists and is enabled.
type Grants interface {
	// RedeemCode stores the grant of an authorization code and returns its user. ErrExists: the code was
	// used before; the grant of that use is then revoked. ErrNotFound: the user, session or client is
	// not alive, or the consent is withdrawn. A change that ends the session or the consent at the
	// same moment, and then revokes its grants, misses none.
	//
	// also, unless nil, receives what the user belongs to, read in the same statement. So it does in the
	// other calls.
	RedeemCode(ctx context.Context, g Grant, also *Belonging) (User, error)
	// Rotate makes gen+1 the valid generation if gen is and the grant is alive, and sets IdleExpiresAt. It
	// is one conditional update, which returns the new grant and its user. ErrStale otherwise: the
	// caller reads the grant to learn why.
	Rotate(ctx context.Context, tenant, id, clientID string, gen int64, idleExpiresAt, now time.Time,
		also *Belonging) (Grant, User, error)
	// Touch is Rotate for clients whose refresh tokens do not rotate: the generation stays.
	Touch(ctx context.Context, tenant, id, clientID string, gen int64, idleExpiresAt, now time.Time,
		also *Belonging) (Grant, User, error)
	// Grant returns the grant, whether or not it is alive.
	Grant(ctx context.Context, tenant, id string) (Grant, error)
	// LiveGrant returns the grant and its user, in one read, if the grant is alive and the access token
	// jti is not revoked. ErrNotFound otherwise.
	LiveGrant(ctx context.Context, tenant, id, jti string, now time.Time, also *Belonging) (Grant, User, error)
	// GrantsOf lists a user's grants that are neither revoked nor expired, newest first: MostOfUser at most.
	GrantsOf(ctx context.Context, tenant, userID string, now time.Time) ([]Grant, error)
	// LastSignIns says when a user signed in last with each of the clients from one id to another, both included. Clients
	// with which none did, as far as grants are kept, are missing.
	LastSignIns(ctx context.Context, tenant, from, to string) (map[string]time.Time, error)
	// UseOf counts the live grants of a client among so many of its latest, and the sessions in which they were given.
	UseOf(ctx context.Context, tenant, clientID string, most int, now time.Time) (ClientUse, error)
}

// ClientUse says how a client is used.
type ClientUse struct {
	Grants, Sessions int64     // that live
	LastUse          time.Time // a sign-in or a refresh; zero for never
	More             bool      // the client has more grants than were looked at
}

// Purposes of Spent.
const (
	SpentAssertion   = "assertion"    // a client assertion's jti, prefixed by the client's id
	SpentProof       = "proof"        // a DPoP proof's jti, prefixed by the thumbprint of its key
	SpentAccessToken = "access_token" // the jti of a revoked access token
	SpentSetup       = "setup"        // the link that creates the first administrator
	SpentPasskey     = "passkey"      // the challenge that a passkey has answered
)

// Spent is a value that was used up: it must not be accepted again.
type Spent struct {
	TenantID  string
	Purpose   string
	Value     string
	ExpiresAt time.Time // after it the value is refused for its age, and the row may be deleted
}

// FirstAdministrator returns the value that is used up when the default tenant gets its first administrator.
// The set-up link, which makes one, does not work after that.
func FirstAdministrator() Spent {
	return Spent{
		TenantID: DefaultTenant, Purpose: SpentSetup, Value: "first administrator",
		ExpiresAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// SpentValues keeps the values that were used up.
type SpentValues interface {
	// Spend uses the value up, once. ErrExists: it was used up before.
	Spend(ctx context.Context, s Spent) error
	// IsSpent reports whether the value was used up.
	IsSpent(ctx context.Context, tenant, purpose, value string) (bool, error)
}

// Tokens are what a client gets for a user (RFC 6749 section 5.1, OIDC Core
// 3.1.3.3). They are never stored: package provider makes them, and package login
// hands them to the apps that call its JSON API.
type Tokens struct {
	AccessToken  string `json:"access_token" doc:"The access token."`
	TokenType    string `json:"token_type" doc:"Bearer."`
	ExpiresIn    int64  `json:"expires_in" doc:"The access token's lifetime, in seconds."`
	RefreshToken string `json:"refresh_token,omitempty" doc:"For /auth/refresh-tokens, if the client is registered for refresh_token."`
	IDToken      string `json:"id_token,omitempty" doc:"Who the user is, as a JWT; with the scope openid."`
	Scope        string `json:"scope,omitempty" doc:"The granted scopes, separated by spaces."`
}

// Bearer is what a living access token of a tenant stands for. Package provider reads it from a request, and
// package admin decides by it what the request may do.
type Bearer struct {
	Client Client // that got the token; enabled. For an API key of a user, one that is not stored
	// Key is the API key that was brought itself, or nil: it is for every API of this server.
	Key *PresentedKey
	// User and Grant are those of a token that a user allowed; nil for one that the client got for itself. Of an API
	// key, and of a token that was given for one, Grant is nil.
	User  *User
	Grant *Grant
	// Subject is the sub of the token, and SID its sid: by what its client knows the user and the session.
	Subject  string
	SID      string
	Scopes   []string
	Audience []string
}
