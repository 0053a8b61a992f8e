package storage

import (
	"context"
	"time"
)

// Session is one person signed in at one browser. The browser holds ID and a
// secret; the secret's SHA-256 is kept.
type Session struct {
	TenantID          string
	ID                string // UUIDv7: the sid claim
	SecretHash        []byte
	UserID            string
	CredentialVersion int64
	AuthTime          time.Time // when the person last proved themselves
	AMR               []string  // RFC 8176: pwd, otp, …
	ACR               string
	UserAgent         string
	IP                string
	CreatedAt         time.Time
	SeenAt            time.Time
	ExpiresAt         time.Time // absolute
	EndedAt           time.Time // zero while it lives
}

// Sessions keeps the sessions. A Change begins, renews and ends them.
type Sessions interface {
	// Session is the session with its person, in one read. ErrNotFound also when it
	// has ended, is past ExpiresAt, the person is disabled or gone, or the
	// CredentialVersion is no longer theirs.
	Session(ctx context.Context, tenant, id string, now time.Time) (Session, User, error)
	// SeenSession notes that the browser was here.
	SeenSession(ctx context.Context, tenant, id string, now time.Time) error
	// SessionsOf lists a person's living sessions, newest first.
	SessionsOf(ctx context.Context, tenant, userID string, now time.Time) ([]Session, error)
}

// Consent is what a person allowed a client, and when.
type Consent struct {
	TenantID  string
	UserID    string
	ClientID  string
	Scopes    []string
	Claims    []string // names asked for by the claims parameter
	GrantedAt time.Time
}

// Consents keeps them. A Change stores and withdraws one.
type Consents interface {
	Consent(ctx context.Context, tenant, userID, clientID string) (Consent, error)
	ConsentsOf(ctx context.Context, tenant, userID string) ([]Consent, error)
}
