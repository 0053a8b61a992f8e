package acting

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TicketLife is how long a Ticket can be used.
const TicketLife = 10 * time.Minute

// Path is the page where an administrator signs in as a user. Ticket is the name of its parameter for a ticket.
// EndPath is where the form of the banner is posted.
const (
	Path    = "/account/sign-in-as"
	Ticket  = "ticket"
	EndPath = "/sign-in-as/end"
)

// ticket is a filled-in form, sealed.
type ticket struct {
	ID     string `json:"i"`
	By     string `json:"b"` // the administrator who alone may use it
	UserID string `json:"u"`
	Reason string `json:"r"`
	At     int64  `json:"t"` // Unix time
}

// Link returns the URL of a ticket by which the administrator can sign in as a user, once, and until when. Its refusals
// are those of Check.
func (s *Service) Link(ctx context.Context, a people.Asker, by storage.User, in Request) (
	link string, until time.Time, err error,
) {
	if _, err := s.Check(ctx, a, by, in); err != nil {
		return "", until, err
	}
	now := time.Now()
	plain, err := json.Marshal(ticket{
		ID: secret.Token(), By: by.ID, UserID: in.UserID, Reason: in.Reason, At: now.Unix(),
	})
	if err != nil {
		return "", until, err
	}
	sealed := s.Secrets.Box(a.Tenant.ID, secret.ActingTicket).SealString(plain)
	return a.Tenant.URL(Path + "?" + Ticket + "=" + sealed), time.Unix(now.Unix(), 0).Add(TicketLife).UTC(), nil
}

// Open returns what the ticket asks for, if it names this administrator. Its refusal is ErrTicketGone.
// It spends nothing: a program that follows links uses up none.
func (s *Service) Open(ctx context.Context, a people.Asker, by storage.User, sealed string) (Request, error) {
	plain, err := s.Secrets.Box(a.Tenant.ID, secret.ActingTicket).OpenString(sealed)
	var t ticket
	if err != nil || json.Unmarshal(plain, &t) != nil || t.By != by.ID ||
		!storage.Within(time.Unix(t.At, 0), time.Now(), TicketLife) {
		return Request{}, ErrTicketGone
	}
	spent, err := s.Store.IsSpent(ctx, a.Tenant.ID, storage.SpentTicket, t.ID)
	if err == nil && spent {
		err = ErrTicketGone
	}
	return Request{UserID: t.UserID, Reason: t.Reason, ticket: t.ID}, err
}

// spends returns what beginning a session uses up.
func (in Request) spends(tenant string, now time.Time) []storage.Spent {
	if in.ticket == "" {
		return nil
	}
	return []storage.Spent{{
		TenantID: tenant, Purpose: storage.SpentTicket, Value: in.ticket, ExpiresAt: now.Add(2 * TicketLife),
	}}
}

// Find returns the id of the user that the administrator means by an id, an address or a username. An unknown one is
// a fault of the field user.
func (s *Service) Find(ctx context.Context, a people.Asker, name string) (string, error) {
	u, err := s.Accounts.Find(ctx, a, name)
	if errors.Is(err, storage.ErrNotFound) {
		return "", people.Invalid("user", "acting.no_user")
	}
	return u.ID, err
}
