package storage

import (
	"context"
	"time"
)

// Session is a user who is signed in at one browser or app. A browser holds the ID and a secret, of
// which SecretHash is the SHA-256.
type Session struct {
	TenantID          string
	ID                string // UUIDv7: the sid claim
	SecretHash        []byte
	UserID            string
	CredentialVersion int64
	AuthTime          time.Time // when the user last proved to be the user
	AMR               []string  // RFC 8176: pwd, otp, …
	ACR               string
	UserAgent         string
	IP                string
	CreatedAt         time.Time
	SeenAt            time.Time
	ExpiresAt         time.Time // however much it is used
	EndedAt           time.Time // zero while it has not ended
	// Act says which administrator uses the session in the place of its user; nil if its user does.
	Act *Act
}

// Sessions keeps the sessions. A Change begins, renews and ends them.
type Sessions interface {
	// Session returns the session and its user, in one read. ErrNotFound also if the session has ended
	// or is past ExpiresAt, or if the user is disabled, removed, or has another CredentialVersion.
	Session(ctx context.Context, tenant, id string, now time.Time) (Session, User, error)
	// SeenSession stores that the session was used.
	SeenSession(ctx context.Context, tenant, id string, now time.Time) error
	// SessionsOf lists a user's living sessions, newest first, also those with an Act.
	SessionsOf(ctx context.Context, tenant, userID string, now time.Time) ([]Session, error)
	ActedSessions
}

// Consent is what a user allowed a client, and when.
type Consent struct {
	TenantID  string
	UserID    string
	ClientID  string
	Scopes    []string
	Claims    []string // names asked for by the claims parameter
	GrantedAt time.Time
}

// Consents keeps the consents. A Change stores and withdraws them.
type Consents interface {
	Consent(ctx context.Context, tenant, userID, clientID string) (Consent, error)
	ConsentsOf(ctx context.Context, tenant, userID string) ([]Consent, error)
}
