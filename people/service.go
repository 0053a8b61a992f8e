package people

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/upstream"
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
	APIKeysOf(ctx context.Context, tenant, userID, clientID string) ([]storage.APIKey, error)
	EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]storage.Event, error)
	Client(ctx context.Context, tenant, id string) (storage.Client, error)
	Group(ctx context.Context, tenant, id string) (storage.Group, error)
	Role(ctx context.Context, tenant string, r storage.RoleName) (storage.Role, error)
	MembershipsOf(ctx context.Context, tenant, userID string) ([]storage.Membership, error)
	Belonging(ctx context.Context, tenant, userID string) (storage.Belonging, error)
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
	// SetupToken returns what the token of a link spends that creates the tenant's first
	// administrator; storage.ErrNotFound for any other. Default: there are no such links.
	SetupToken func(ctx context.Context, tenant, token string) (storage.Spent, error)
	// StandIns are the upstream providers of the default tenant while it has no others. For
	// development. Default: none.
	StandIns []storage.Upstream
	// TellDisabled says that a user with the right password of a disabled account learns so: ErrAccountDisabled.
	TellDisabled bool
	// PasswordChanged returns what to send when a user's password changes. Default: nothing.
	PasswordChanged func(ctx context.Context, u storage.User) ([]storage.Delivery, error)
	// Invited adds to a change that makes an account, or updates one, with a proven address what an invitation that waits
	// for the address gives, and uses it up. Package invitations has it. Default: nothing.
	Invited func(ctx context.Context, a Asker, ch *storage.Change) error
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
	// Moment says a day and a time in UTC.
	Moment(t time.Time) string
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
	if s.SetupToken == nil {
		s.SetupToken = func(context.Context, string, string) (storage.Spent, error) {
			return storage.Spent{}, storage.ErrNotFound
		}
	}
	if s.Invited == nil {
		s.Invited = func(context.Context, Asker, *storage.Change) error { return nil }
	}
	if s.Note == nil {
		s.Note = func(context.Context, string, string) {}
	}
	s.Rules.complete()
	return &s, nil
}

// Rules bound attempts. A zero rule is the default one.
type Rules struct {
	// PerAccount bounds the guesses at a name from browsers that never signed in to its
	// account, and those at an account under all its names together. Default 5 in a minute,
	// then longer and longer waits up to 15 minutes.
	PerAccount limit.Rule
	// PerDevice bounds those from a browser that did, each browser by itself, so that
	// attackers elsewhere cannot lock a user out. Default 10 in a minute, then as above.
	PerDevice limit.Rule
	// PerAddress bounds the guesses from one address over all accounts, as above; a /56 of
	// IPv6 has twice as many, a /48 four times. Default 100 in 5 minutes: many users may
	// share an address.
	PerAddress limit.Rule
	// PerTenant bounds the guesses at all accounts of a tenant, as above: those of credential
	// stuffing from many addresses. Beyond it only networks that were quiet so far may guess, and
	// beyond twice as many no network may. Default 6,000 in a minute.
	PerTenant limit.Rule
	// PerPerson bounds how often a user's right sign-ins give back what they took. Default
	// 600 in 5 minutes.
	PerPerson limit.Rule
	// PerTarget bounds the codes that are sent to one mailbox or number for one network, and
	// for one browser that is known. In all there may be three times as many. Default 5 in an
	// hour.
	PerTarget limit.Rule
	// PerAsker bounds the codes that one address asks for, as PerAddress does. Default 30 in
	// an hour.
	PerAsker limit.Rule
	// MailsPerTenant and TextsPerTenant bound the messages with codes that a tenant sends.
	// Default 20,000 and 250 in an hour.
	MailsPerTenant, TextsPerTenant limit.Rule
	// PerForm bounds the new passwords that an address has judged and hashed. Default 100 in
	// 5 minutes.
	PerForm limit.Rule
	// PerTrip bounds the answers of upstream providers that an address brings in vain. Default
	// 100 in 5 minutes.
	PerTrip limit.Rule
	// PerFactor bounds the guesses at a user's second factor, over all sign-ins that got
	// as far. Default 5 in 10 minutes.
	PerFactor limit.Rule
	// PerFactorDay does so for those who are patient. Default 30 in 24 hours.
	PerFactorDay limit.Rule
	// PerEmailChange bounds the new addresses to which one user has a code sent. Default 10 in
	// an hour.
	PerEmailChange limit.Rule
	// PerPhoneChange bounds the numbers to which one user has a code sent: each message costs
	// money, some of which may go to the user (SMS pumping). Default 5 in 24 hours.
	PerPhoneChange limit.Rule
	// ResendAfter is how long a user waits before the code of a flow is sent once more. Default 30 seconds.
	ResendAfter time.Duration
}

// complete puts the defaults in the place of zero rules, and names all rules.
func (r *Rules) complete() {
	for _, d := range []struct {
		rule *limit.Rule
		def  limit.Rule
	}{
		{&r.PerAccount, limit.Rule{Name: "login-account", Max: 5, Window: time.Minute, Longest: 15 * time.Minute}},
		{&r.PerDevice, limit.Rule{Name: "login-device", Max: 10, Window: time.Minute, Longest: 15 * time.Minute}},
		{&r.PerAddress, limit.Rule{Name: "login-address", Max: 100, Window: 5 * time.Minute}},
		{&r.PerTenant, limit.Rule{Name: "login-tenant", Max: 6000, Window: time.Minute}},
		{&r.PerPerson, limit.Rule{Name: "login-person", Max: 600, Window: 5 * time.Minute}},
		{&r.PerTarget, limit.Rule{Name: "code-target", Max: 5, Window: time.Hour}},
		{&r.PerAsker, limit.Rule{Name: "code-asker", Max: 30, Window: time.Hour}},
		{&r.MailsPerTenant, limit.Rule{Name: "mails", Max: 20_000, Window: time.Hour}},
		{&r.TextsPerTenant, limit.Rule{Name: "texts", Max: 250, Window: time.Hour}},
		{&r.PerForm, limit.Rule{Name: "form", Max: 100, Window: 5 * time.Minute}},
		{&r.PerTrip, limit.Rule{Name: "upstream", Max: 100, Window: 5 * time.Minute}},
		{&r.PerFactor, limit.Rule{Name: "factor", Max: 5, Window: 10 * time.Minute}},
		{&r.PerFactorDay, limit.Rule{Name: "factor-day", Max: 30, Window: 24 * time.Hour}},
		{&r.PerEmailChange, limit.Rule{Name: "email-change", Max: 10, Window: time.Hour}},
		{&r.PerPhoneChange, limit.Rule{Name: "phone-change", Max: 5, Window: 24 * time.Hour}},
	} {
		if d.rule.Max == 0 {
			*d.rule = d.def
		}
		d.rule.Name = d.def.Name
	}
	r.ResendAfter = cmp.Or(r.ResendAfter, 30*time.Second)
}

// Upstreams returns the providers that users of the tenant may come from.
func (s *Service) Upstreams(t *issuer.Tenant) []storage.Upstream {
	if len(t.Settings.Upstreams) == 0 && t.ID == storage.DefaultTenant {
		return s.StandIns
	}
	off := func(u storage.Upstream) bool { return u.Disabled }
	if slices.ContainsFunc(t.Settings.Upstreams, off) {
		return slices.DeleteFunc(slices.Clone(t.Settings.Upstreams), off)
	}
	return t.Settings.Upstreams
}

// UpstreamName returns what users call the provider with the id, and whether the tenant has it.
func (s *Service) UpstreamName(t *issuer.Tenant, id string) (name string, offered bool) {
	for _, u := range s.Upstreams(t) {
		if u.ID == id {
			return upstream.NameOf(u), true
		}
	}
	return id, false
}
