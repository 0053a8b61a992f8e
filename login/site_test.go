package login

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/relay"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
	"github.com/vouchsafe/vouchsafe/internal/upstreams"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/api"
	"github.com/vouchsafe/vouchsafe/login/reset"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// english are the texts in English.
var english = texts.In("en")

// cheap keeps tests quick; what they show does not depend on the cost.
var cheap = argon2id.Params{Memory: 64, Time: 1, Threads: 1}

// site is the pages over HTTP, with a stand-in for the protocol: its requests are
// those that ask was given.
type site struct {
	t      testing.TB
	url    string // the issuer
	srv    *httptest.Server
	store  *sqldb.Store
	login  *Server
	pages  *ui.Pages
	router *mux.Router
	api    *api.Server // nil in most tests
	hasher *password.Hasher
	mails  *smtptest.Server
	texts  *textbox

	mu      sync.Mutex
	letters map[string]storage.Interaction
	follow  bool // requests are answered: with a redirect to the client
}

// newSite serves on http; change may change the Config.
func newSite(t testing.TB, change func(*Config)) *site {
	t.Helper()
	return start(t, "http", change)
}

func start(t testing.TB, scheme string, change func(*Config)) *site {
	t.Helper()
	return startAt(t, scheme, "127.0.0.1", change)
}

// startAt serves at a name of this machine.
func startAt(t testing.TB, scheme, host string, change func(*Config)) *site {
	t.Helper()
	return startWith(t, scheme, host, change, nil)
}

// startWith serves the JSON API too, unless apps, which is called after change, is nil.
func startWith(t testing.TB, scheme, host string, change func(*Config), apps func() api.Apps) *site {
	t.Helper()
	database := "sqlite::memory:"
	if on, ok := t.(onDatabase); ok {
		database = on.database
	}
	store, err := sqldb.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.PutClient(t.Context(), storage.Client{TenantID: storage.DefaultTenant, ClientID: "app"}); err != nil {
		t.Fatal(err)
	}
	counters := memory.New()
	secrets, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := password.New(cheap, nil)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := &site{t: t}
	// testing keeps the functions of Cleanup until all tests have ended, and with them their sites.
	t.Cleanup(func() { *s = site{} })
	s.store, s.hasher, s.letters = store, hasher, map[string]storage.Interaction{}
	mailer := s.startMail(log, secrets)
	pages, err := ui.New(ui.Config{Log: log, Development: true})
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Service: &people.Service{
			Store: store, Mail: mailer, Secrets: secrets, Log: log, Passwords: hasher, Note: web.Note, SetupToken: setupToken,
			Words:  func(language string) people.Words { return texts.In(language) },
			Limits: &limit.Limiter{Shared: counters, Local: counters, Log: log},
			Rules:  people.Rules{ResendAfter: 1}, // tests do not wait
		},
		Federation: &federation.Service{Calls: upstreams.New(outbound.Client(outbound.Config{}))},
		Site:       &ui.Site{Pages: pages, Open: s.interaction, Secrets: secrets, IsAccountPage: account.IsPage}, Log: log,
		Sessions:   &browser.Sessions{Store: store, Idle: time.Hour, Lifetime: 24 * time.Hour},
		OpenDevice: onlyDevice,
	}
	if change != nil {
		change(&config)
	}
	s.pages = pages
	config.Site.Sessions = config.Sessions
	config.Service.Keeper = (*sessions.Keeper)(config.Sessions)
	if config.Service, err = people.New(*config.Service); err != nil {
		t.Fatal(err)
	}
	config.Service.Invited = (&invitations.Service{Service: config.Service}).Give
	config.Federation.Service = config.Service
	if s.login, err = New(config); err != nil {
		t.Fatal(err)
	}
	signInAs, err := acting.New(acting.Service{
		Service: config.Service, Accounts: &administration.Accounts{Store: store},
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := &apikeys.Service{Service: config.Service, Keys: store}
	own, err := account.New(account.Config{
		Site: config.Site, People: selfservice.Service{Service: config.Service}, Acting: signInAs,
		Depart: s.login.LinkUpstream, Keys: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	back, err := reset.New(reset.Config{Site: config.Site, Service: config.Service, TypedName: s.login.TypedName})
	if err != nil {
		t.Fatal(err)
	}
	s.router = mux.NewRouter()
	s.login.Register(s.router)
	back.Register(s.router)
	errors := pages.ErrorPage
	if apps != nil {
		if s.api, err = api.New(api.Config{Service: config.Service, Federation: config.Federation, Apps: apps(),
			Keys: keys, Errors: errors}); err != nil {
			t.Fatal(err)
		}
		s.api.Register(s.router)
		errors = s.api.ErrorPage
	}
	own.Register(s.router)
	s.router.HandleFunc("/authorize", s.authorize)
	s.router.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "logout "+r.URL.RawQuery)
	})

	s.srv = httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(s.srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.url = scheme + "://" + net.JoinHostPort(host, port)
	tenancy, err := web.NewTenancy(s.url, store, errors)
	if err != nil {
		t.Fatal(err)
	}
	edge := &web.Edge{Log: log, Errors: errors}
	s.srv.Config.Handler = edge.Wrap(tenancy.Wrap(s.router))
	s.srv.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	if scheme == "https" {
		s.srv.StartTLS()
	} else {
		s.srv.Start()
	}
	t.Cleanup(func() {
		s.srv.Close()
		s.srv.Config.Handler = nil
	})
	return s
}

// startMail sends mails to a server of the test's own, until the test ends.
func (s *site) startMail(log *slog.Logger, secrets *secret.Masters) *mail.Mailer {
	s.t.Helper()
	s.mails = smtptest.Start(s.t)
	sender, err := relay.NewSMTP(s.mails.URL, "Test <no-reply@example.com>", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.texts = &textbox{}
	worker := &outbox.Worker{Store: s.store, Log: log, Senders: map[string]outbox.Sender{
		storage.ChannelMail: mail.Channel{Secrets: secrets, Sender: sender},
		storage.ChannelSMS:  mail.Channel{Secrets: secrets, Sender: s.texts},
	}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { worker.Run(ctx) })
	s.t.Cleanup(func() { cancel(); wg.Wait() })
	return &mail.Mailer{Secrets: secrets, Wake: worker.Wake, Texts: true}
}

func setupToken(_ context.Context, tenant, token string) (storage.Spent, error) {
	if token != "setup-"+tenant {
		return storage.Spent{}, storage.ErrNotFound
	}
	return storage.Spent{TenantID: tenant, Purpose: storage.SpentSetup, Value: token,
		ExpiresAt: time.Now().Add(time.Hour)}, nil
}

// ask makes a client's request for the tenant at path wait for a user, and gives the
// query that its browser carries.
func (s *site) ask(path string, in storage.Interaction) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	in.Letter = fmt.Sprintf("letter-%d", len(s.letters)+1)
	in.Started = time.Now()
	in.ContinueURL = path + "/authorize?i=" + in.Letter
	in.CancelURL = in.ContinueURL + "&cancel=1"
	if in.Client.ClientID == "" {
		in.Client.ClientID = "app"
	}
	if in.RedirectURI == "" {
		in.RedirectURI = "https://app.example/callback"
	}
	s.letters[in.Letter] = in
	return "i=" + in.Letter
}

// begin has requests begin now, after what users have done so far.
func (s *site) begin(queries ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range queries {
		letter := strings.TrimPrefix(q, "i=")
		in := s.letters[letter]
		in.Started = time.Now()
		s.letters[letter] = in
	}
}

func (s *site) authorize(w http.ResponseWriter, r *http.Request) {
	in, err := s.interaction(r)
	if s.follow && err == nil {
		http.Redirect(w, r, in.RedirectURI+"?code=c", http.StatusSeeOther)
		return
	}
	fmt.Fprint(w, "authorize "+r.URL.RawQuery)
}

func (s *site) interaction(r *http.Request) (storage.Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.letters[r.FormValue("i")]
	if !ok {
		return in, &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "problem.damaged.title",
			Message: "problem.damaged"}
	}
	web.RequestOf(r.Context()).SetLocales(in.UILocales)
	return in, nil
}

// claimed returns an address that a user may claim.
func (s *site) claimed(email string) address.Claimed {
	s.t.Helper()
	c, err := address.Claim(email)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// named returns a user name that a user may have.
func (s *site) named(name string) username.Claimed {
	s.t.Helper()
	c, err := username.Claim(name, []string{})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// user adds a user with a password ("" for none).
func (s *site) user(tenant, email, name, secret string) storage.User {
	s.t.Helper()
	now := time.Now()
	u := storage.User{TenantID: tenant, ID: uuid.Must(uuid.NewV7()).String(), CreatedAt: now, UpdatedAt: now}
	if email != "" {
		s.claimed(email).Give(&u)
	}
	if name != "" {
		s.named(name).Give(&u)
	}
	var creds []storage.Credential
	if secret != "" {
		hash, err := s.hasher.Hash(s.t.Context(), secret)
		if err != nil {
			s.t.Fatal(err)
		}
		creds = append(creds, storage.Credential{TenantID: tenant, UserID: u.ID, Kind: storage.PasswordCredential, Data: hash,
			CreatedAt: now, UpdatedAt: now})
	}
	if err := storagetest.AddUser(s.t.Context(), s.store, u, creds, nil); err != nil {
		s.t.Fatal(err)
	}
	return u
}

// kinds are the audit trail of a tenant, newest first.
func (s *site) events(tenant string) []storage.Event {
	s.t.Helper()
	events, err := s.store.Events(s.t.Context(), tenant, "", 100)
	if err != nil {
		s.t.Fatal(err)
	}
	return events
}

// toSignIn is where /account leads a browser that is not signed in.
const toSignIn = "/login?next=%2Faccount"

var (
	formField    = regexp.MustCompile(`name="form" value="([^"]*)"`)
	sessionField = regexp.MustCompile(`name="session" value="([^"]*)"`)
)
