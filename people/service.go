package people

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Store is what the use cases read and write.
type Store interface {
	storage.Users
	storage.Credentials
	storage.Identities
	storage.Codes
	storage.Changes
	storage.Consents
	Spend(ctx context.Context, s storage.Spent) error
	IsSpent(ctx context.Context, tenant, purpose, value string) (bool, error)
	Record(ctx context.Context, e storage.Event) error
	EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]storage.Event, error)
	Client(ctx context.Context, tenant, id string) (storage.Client, error)
	SessionsOf(ctx context.Context, tenant, userID string, now time.Time) ([]storage.Session, error)
	GrantsOf(ctx context.Context, tenant, userID string, now time.Time) ([]storage.Grant, error)
}

// Service holds what the use cases need. Every field without "default" is required; New checks
// and completes it.
type Service struct {
	Store     Store
	Limits    *limit.Limiter
	Passwords *password.Hasher
	// Policy judges new passwords. Default: the zero Policy, and password.MinScore.
	Policy *password.Policy
	// Mail composes the mails and text messages that users get.
	Mail    *mail.Mailer
	Secrets *secret.Masters
	// Keeper keeps the sessions of browsers. Required where users sign in; commands need none.
	Keeper *sessions.Keeper
	Log    *slog.Logger
	// Words returns the texts in a language, for mails that tell a user what changed.
	Words func(language string) Words
	// StandIns are the upstream providers of the default tenant while it has no others. For
	// development. Default: none.
	StandIns []storage.Upstream
	// Note adds to the request's log line what the audit trail leaves out. Default: nothing.
	Note func(ctx context.Context, key, value string)

	Rules
}

// Words says texts by their ids, in one language. Package login/texts has them.
type Words interface {
	// Must returns the text with the id, and args in it.
	Must(id string, args ...any) string
	// Device names the browser and the system that a User-Agent claims to be.
	Device(userAgent string) string
}

// New checks the Service and completes it.
func New(s Service) (*Service, error) {
	if s.Store == nil || s.Limits == nil || s.Passwords == nil || s.Mail == nil || s.Secrets == nil ||
		s.Log == nil || s.Words == nil {
		return nil, errors.New("people: Store, Limits, Passwords, Mail, Secrets, Log and Words are required")
	}
	if s.Policy == nil {
		s.Policy = &password.Policy{MinScore: password.MinScore}
	}
	if s.Note == nil {
		s.Note = func(context.Context, string, string) {}
	}
	s.Rules.complete()
	return &s, nil
}
