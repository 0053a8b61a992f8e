package login

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Store is what the pages remember.
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
	EndSession(ctx context.Context, tenant, id string, now time.Time) error
	EndSessions(ctx context.Context, tenant, userID, except string, now time.Time) error
	GrantsOf(ctx context.Context, tenant, userID string, now time.Time) ([]storage.Grant, error)
	Revoke(ctx context.Context, tenant string, which storage.GrantFilter, why string, now time.Time) (int64, error)
}

// Config is what a Server is made of. Every field without "default" is required.
type Config struct {
	// Pages render what Server shows.
	Pages     *ui.Pages
	Store     Store
	Sessions  *browser.Sessions
	Limits    *limit.Limiter
	Passwords *password.Hasher
	// Policy judges new passwords. Default: the zero Policy, and password.MinScore.
	Policy *password.Policy
	// Mail composes what is sent to people.
	Mail    *mail.Mailer
	Secrets *secret.Masters
	Log     *slog.Logger
	// Interaction opens the sealed authorization request that a page carries as i. Its
	// errors are web.Problems. Package provider has it.
	Interaction func(r *http.Request) (storage.Interaction, error)
	// SetupToken says whether the token is that of a link which lets its bearer create
	// the tenant's first administrator, and what creating them spends;
	// storage.ErrNotFound for any other. Default: there are no such links.
	SetupToken func(ctx context.Context, tenant, token string) (storage.Spent, error)
	// Apps is the protocol's part of the JSON API for first-party apps. Default: there is no
	// such API.
	Apps Apps
	// Upstreams reach the providers that tenants let people come from. Default: only those
	// on the internet are reached.
	Upstreams *upstream.Clients
	// StandIns are the providers of the default tenant while it has no others. For
	// development. Default: none.
	StandIns []storage.Upstream
	// LogoutPath is where a confirmed sign-out that a client asked for goes on, with its
	// letter as l. Default /logout.
	LogoutPath string
	// Playground is the path of the page where developers try a sign-in, to which the
	// default tenant's start page links. Default: there is none.
	Playground string

	// PerAccount bounds the guesses at a name from browsers that never signed in to its
	// account, and those at an account under all its names together. Default 5 in a minute,
	// then longer and longer waits up to 15 minutes.
	PerAccount limit.Rule
	// PerDevice bounds those from a browser that did, each by itself, so that nobody can
	// be locked out by others. Default 10 in a minute, then as above.
	PerDevice limit.Rule
	// PerAddress bounds the guesses from one address over all accounts, as above; a /56 of
	// IPv6 has twice as many, a /48 four times. Default 100 in 5 minutes: many people may
	// share an address.
	PerAddress limit.Rule
	// PerTenant bounds the guesses at all accounts of a tenant, as above: those of a stuffing
	// from many addresses. Beyond it only networks that were quiet so far have some, and
	// nobody beyond twice as many. Default 6,000 in a minute.
	PerTenant limit.Rule
	// PerPerson bounds how often a person's right sign-ins give back what they took. Default
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
	// PerFactor bounds the guesses at a person's second factor, over all sign-ins that got
	// as far. Default 5 in 10 minutes.
	PerFactor limit.Rule
	// PerFactorDay does so for those who are patient. Default 30 in 24 hours.
	PerFactorDay limit.Rule
}

// Server serves the pages of all tenants.
type Server struct {
	Config
	devices *browser.Devices
	site    *ui.Site
	// references are the documents of the JSON API, by issuer: tenants are few.
	references sync.Map
}

// New checks and completes the Config.
func New(c Config) (*Server, error) {
	if c.Pages == nil || c.Store == nil || c.Sessions == nil || c.Limits == nil || c.Passwords == nil || c.Mail == nil || c.Secrets == nil || c.Log == nil || c.Interaction == nil {
		return nil, errors.New("login: Pages, Store, Sessions, Limits, Passwords, Mail, Secrets, Log and Interaction are required")
	}
	if c.SetupToken == nil {
		c.SetupToken = func(context.Context, string, string) (storage.Spent, error) {
			return storage.Spent{}, storage.ErrNotFound
		}
	}
	if c.Policy == nil {
		c.Policy = &password.Policy{MinScore: password.MinScore}
	}
	if c.Upstreams == nil {
		c.Upstreams = upstream.New(outbound.Client(outbound.Config{KeepAlive: true}))
	}
	if c.LogoutPath == "" {
		c.LogoutPath = "/logout"
	}
	for _, d := range []struct {
		rule *limit.Rule
		def  limit.Rule
	}{
		{&c.PerAccount, limit.Rule{Name: "login-account", Max: 5, Window: time.Minute, Longest: 15 * time.Minute}},
		{&c.PerDevice, limit.Rule{Name: "login-device", Max: 10, Window: time.Minute, Longest: 15 * time.Minute}},
		{&c.PerAddress, limit.Rule{Name: "login-address", Max: 100, Window: 5 * time.Minute}},
		{&c.PerTenant, limit.Rule{Name: "login-tenant", Max: 6000, Window: time.Minute}},
		{&c.PerPerson, limit.Rule{Name: "login-person", Max: 600, Window: 5 * time.Minute}},
		{&c.PerTarget, limit.Rule{Name: "code-target", Max: 5, Window: time.Hour}},
		{&c.PerAsker, limit.Rule{Name: "code-asker", Max: 30, Window: time.Hour}},
		{&c.MailsPerTenant, limit.Rule{Name: "mails", Max: 20_000, Window: time.Hour}},
		{&c.TextsPerTenant, limit.Rule{Name: "texts", Max: 250, Window: time.Hour}},
		{&c.PerForm, limit.Rule{Name: "form", Max: 100, Window: 5 * time.Minute}},
		{&c.PerTrip, limit.Rule{Name: "upstream", Max: 100, Window: 5 * time.Minute}},
		{&c.PerFactor, limit.Rule{Name: "factor", Max: 5, Window: 10 * time.Minute}},
		{&c.PerFactorDay, limit.Rule{Name: "factor-day", Max: 30, Window: 24 * time.Hour}},
	} {
		if d.rule.Max == 0 {
			*d.rule = d.def
		}
		d.rule.Name = d.def.Name
	}
	site := &ui.Site{Pages: c.Pages, Open: c.Interaction, IsAccountPage: ownPage}
	return &Server{Config: c, devices: &browser.Devices{Secrets: c.Secrets}, site: site}, nil
}

// route is a page, with what its form is sent to.
type route struct {
	path string
	get  func(w http.ResponseWriter, r *http.Request) error
	post func(w http.ResponseWriter, r *http.Request) error // nil when it has no form
}

// Register adds the routes to r. Paths are below the tenant's issuer; web.Tenancy has
// taken the rest off.
func (s *Server) Register(r *mux.Router) {
	for _, route := range append([]route{
		{"/login", s.signInPage, s.signIn},
		{"/login/passkey", s.passkeyOptions, s.signInByPasskey},
		{"/login/code", s.askCodePage, s.askCodePosted},
		{"/login/code/confirm", s.enterCodePage, s.enterCodePosted},
		{"/select", s.selectPage, s.choose},
		{"/second-factor", s.secondFactorPage, s.secondFactor},
		{"/second-factor/passkey", s.factorPasskeyOptions, s.secondFactorByPasskey},
		{"/second-factor/setup", s.enrolPage, s.enrol},
		{"/consent", s.consentPage, s.decide},
		{"/signup", s.signUpPage, s.signUpPosted},
		{"/signup/confirm", s.confirmPage, s.confirmPosted},
		{"/forgot", s.forgotPage, s.forgotPosted},
		{"/reset", s.resetPage, s.resetPosted},
		{"/reset/done", s.resetDonePage, s.reviewed},
		{"/not-me", s.notMePage, s.notMe},
		{"/signout", s.signOutPage, s.signOut},
		{"/signed-out", s.signedOutPage, nil},
		{"/setup", s.setupPage, s.setup},
		{"/upstream/{upstream}", s.goUpstream, nil},
		{"/upstream/{upstream}/callback", s.comeBack, nil},
		{"/federated/email", s.strangerEmailPage, s.strangerEmail},
		{"/federated/confirm", s.strangerCodePage, s.strangerCode},
		{"/federated/link", s.linkPage, s.link},
		{"/", s.homePage, nil},
	}, s.accountRoutes()...) {
		r.Handle(route.path, s.site.Page(route.get)).Methods(http.MethodGet, http.MethodHead)
		if route.post != nil {
			r.Handle(route.path, s.site.Form(route.post)).Methods(http.MethodPost)
		}
	}
	r.Handle("/password/score", web.Handler(s.ErrorPage, s.score)).Methods(http.MethodPost)
	r.Handle("/.well-known/change-password", s.site.Page(changePasswordAt)).Methods(http.MethodGet, http.MethodHead)
	s.site.Register(r)
	if s.Apps != nil {
		s.registerAPI(r)
	}
	r.Handle("/upstream/{upstream}/callback", s.site.Foreign(s.postBack)).Methods(http.MethodPost)
}
