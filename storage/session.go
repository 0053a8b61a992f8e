package storage

import (
	"context"
	"maps"
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

// MostOfUser is how many sessions, or grants, of one user are listed at most. A user has more only if a program signs
// in as the user.
const MostOfUser = 1000

// Sessions keeps the sessions. A Change begins, renews and ends them.
type Sessions interface {
	// Session returns the session and its user, in one read. ErrNotFound also if the session has ended
	// or is past ExpiresAt, or if the user is disabled, removed, or has another CredentialVersion.
	Session(ctx context.Context, tenant, id string, now time.Time) (Session, User, error)
	// SeenSession stores that the session was used.
	SeenSession(ctx context.Context, tenant, id string, now time.Time) error
	// SessionsOf lists a user's living sessions, newest first, also those with an Act: MostOfUser at most.
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
	Resources []string // identifiers of APIs that were asked for by the parameter resource
	GrantedAt time.Time
}

// Consents keeps the consents. A Change stores and withdraws them.
type Consents interface {
	Consent(ctx context.Context, tenant, userID, clientID string) (Consent, error)
	ConsentsOf(ctx context.Context, tenant, userID string) ([]Consent, error)
}

// Act says who uses a session in the place of its user: an administrator who helps the user (RFC 8693 section 4.1
// calls that acting as the user). The session lives while the administrator's own session does, while the
// administrator has the same role, and while the user has none.
type Act struct {
	ActorID   string // the administrator
	SessionID string // the administrator's own session
	Role      string // the administrator's role when the session began
	Reason    string
}

// MaxActing is how long a session can last that an administrator uses as another user.
const MaxActing = time.Hour

// SpentTicket is the purpose of Spent for links by which such a session begins.
const SpentTicket = "acting-ticket"

// ActedSessions keeps the sessions that administrators use as other users.
type ActedSessions interface {
	// ActedSession is Sessions.Session for the sessions with an Act, which that one does not return.
	ActedSession(ctx context.Context, tenant, id string, now time.Time) (Session, User, error)
	// LapsedSessions returns the sessions with an Act, of all tenants, that live no longer, and whose end is not
	// recorded: at most limit after the given id, in order.
	LapsedSessions(ctx context.Context, after string, limit int, now time.Time) ([]Session, error)
}

// NameActor adds to the event the administrator in whose session it happened; "" adds nothing.
func (e *Event) NameActor(id string) {
	if id == "" {
		return
	}
	e.Detail = maps.Clone(e.Detail)
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	e.Detail["administrator"] = id
}

// ActEnded returns the event that an administrator uses the session in the place of its user no longer. why is a word
// for what has ended it.
func (s Session) ActEnded(why string) Event {
	return Event{
		TenantID: s.TenantID, Kind: EventActingEnded, UserID: s.UserID, Actor: s.Act.ActorID,
		Detail: map[string]string{
			"administrator": s.Act.ActorID, "session": s.ID, "reason": s.Act.Reason, "why": why,
		},
	}
}
