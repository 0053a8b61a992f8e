package acting

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Service has the use cases. Both fields are required.
type Service struct {
	*people.Service
	Accounts *administration.Accounts
}

// New checks the Service.
func New(s Service) (*Service, error) {
	if s.Service == nil || s.Accounts == nil {
		return nil, errors.New("acting: Service and Accounts are required")
	}
	return &s, nil
}

// Why an administrator may not sign in as a user.
const (
	// ErrOff says that the tenant has not switched it on.
	ErrOff = people.Refusal("acting.off")
	// ErrNotAllowed says that the user is no administrator, or one whose role does not allow it.
	ErrNotAllowed = people.Refusal("acting.not_allowed")
	// ErrAdministrator says that the other user is an administrator, of whatever role.
	ErrAdministrator = people.Refusal("acting.administrator")
	// ErrDisabled says that the other user is disabled.
	ErrDisabled = people.Refusal("acting.disabled")
	// ErrTicketGone says that a ticket is not this tenant's or this administrator's, is too old, or was used.
	ErrTicketGone = people.Refusal("acting.ticket_gone")
)

// MaxReason bounds a reason, in characters.
const MaxReason = 300

// May reports whether the user is an administrator who may sign in as other users of the asker's tenant.
func May(a people.Asker, u storage.User) bool {
	return slices.Contains(administration.ScopesOf(a.Tenant.ID, u.AdminRole), administration.SignInAs) &&
		a.Tenant.Settings.SignInAs.Enabled && u.TenantID == a.Tenant.ID && !u.Disabled
}

// Request is what an administrator asks for.
type Request struct {
	UserID string
	Reason string
	ticket string // what is spent when the session begins; "" for no ticket
}

// Check returns the user as which the administrator may sign in for the reason. The refusals are those above, and
// people.Faults of the fields user and reason.
func (s *Service) Check(ctx context.Context, a people.Asker, by storage.User, in Request) (storage.User, error) {
	switch {
	case !a.Tenant.Settings.SignInAs.Enabled:
		return storage.User{}, ErrOff
	case !May(a, by):
		return storage.User{}, ErrNotAllowed
	}
	if err := checkReason(in.Reason); err != nil {
		return storage.User{}, err
	}
	u, err := s.Accounts.Store.User(ctx, a.Tenant.ID, in.UserID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return u, people.Invalid("user", "acting.no_user")
	case err != nil:
		return u, err
	case u.AdminRole != "" || u.ID == by.ID:
		return u, ErrAdministrator
	case u.Disabled:
		return u, ErrDisabled
	}
	return u, nil
}

// checkReason returns what is wrong with a reason: it is one line of text.
func checkReason(reason string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return people.Invalid("reason", "acting.reason_missing")
	case utf8.RuneCountInString(reason) > MaxReason, !storage.WellFormed(reason),
		strings.ContainsFunc(reason, func(r rune) bool { return unicode.Is(unicode.C, r) }):
		return people.Invalid("reason", "acting.reason_wrong", MaxReason)
	}
	return nil
}

// Begin signs the administrator, whose own session own is, in as another user, and returns the value that the browser
// is to hold. The proof of own must be fresh, with the second factor if the administrator has one: see
// people.Service.Owner. The session has the time and the strength of that proof. It ends when own does.
func (s *Service) Begin(ctx context.Context, a people.Asker, own sessions.Account, in Request) (
	storage.Session, string, error,
) {
	if _, err := s.Owner(ctx, own.User, own.AuthTime, own.ACR); err != nil {
		return storage.Session{}, "", err
	}
	in.Reason = strings.TrimSpace(in.Reason)
	u, err := s.Check(ctx, a, own.User, in)
	if err != nil {
		return storage.Session{}, "", err
	}
	now := time.Now()
	sess := storage.Session{
		TenantID: a.Tenant.ID, UserID: u.ID, CredentialVersion: u.CredentialVersion, AuthTime: own.AuthTime, AMR: own.AMR,
		ACR: own.ACR, UserAgent: a.UserAgent, IP: a.IP, ExpiresAt: now.Add(storage.MaxActing),
		Act: &storage.Act{ActorID: own.UserID, SessionID: own.ID, Role: own.User.AdminRole, Reason: in.Reason},
	}
	if own.ExpiresAt.Before(sess.ExpiresAt) {
		sess.ExpiresAt = own.ExpiresAt
	}
	mails, err := s.notice(a, u, sess)
	if err != nil {
		return sess, "", err
	}
	sess, value, err := s.Keeper.BeginActing(ctx, sess, func(n storage.Session, ch *storage.Change) {
		ch.Version, ch.Deliveries, ch.Spend = &u.CredentialVersion, mails, in.spends(a.Tenant.ID, now)
		ch.Events = append(ch.Events, a.Event(began(n)))
	})
	if errors.Is(err, storage.ErrStale) {
		err = ErrTicketGone // it was used meanwhile, or the user's credentials changed
	}
	if err == nil && len(mails) > 0 {
		s.Mail.Stored()
	}
	return sess, value, err
}

// began returns the event that an administrator signed in as a user.
func began(n storage.Session) storage.Event {
	return storage.Event{
		Kind: storage.EventActingBegan, Actor: n.Act.ActorID, UserID: n.UserID,
		Detail: map[string]string{
			"administrator": n.Act.ActorID, "session": n.ID, "reason": n.Act.Reason,
			"until": n.ExpiresAt.UTC().Format(time.RFC3339),
		},
	}
}
