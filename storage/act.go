package storage

import (
	"context"
	"maps"
	"time"
)

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
