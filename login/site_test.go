package login

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/password"
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
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
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
	s := &site{t: t, store: store, hasher: hasher, letters: map[string]storage.Interaction{}}
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
		},
		Federation: &federation.Service{Calls: upstreams.New(outbound.Client(outbound.Config{}))},
		Site:       &ui.Site{Pages: pages, Open: s.interaction, Secrets: secrets, IsAccountPage: account.IsPage}, Log: log,
		Sessions: &browser.Sessions{Store: store, Idle: time.Hour, Lifetime: 24 * time.Hour},
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
	config.Federation.Service = config.Service
	if s.login, err = New(config); err != nil {
		t.Fatal(err)
	}
	own, err := account.New(account.Config{Site: config.Site, People: config.Service, Depart: s.login.LinkUpstream})
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
			Errors: errors}); err != nil {
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
	t.Cleanup(s.srv.Close)
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

// visitor is a browser without scripts.
type visitor struct {
	*site
	client *http.Client
	base   string // the tenant's path
	form   string // the token of the last page
	about  string // the session that the last page of the account was about
}

func (s *site) visitor() *visitor {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := s.srv.Client()
	return &visitor{site: s, client: &http.Client{
		Transport: client.Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// location is where the answer redirects to.
func (p answer) location() string { return p.header.Get("Location") }

// toSignIn is where /account leads a browser that is not signed in.
const toSignIn = "/login?next=%2Faccount"

// outcome is the page that the answer leads to, or its status.
func (p answer) outcome() string {
	if to, _, _ := strings.Cut(p.leads(), "?"); to != "" {
		return to
	}
	return strconv.Itoa(p.status)
}

// outcome is that of a response whose body nothing needs.
func (s *site) outcome(resp *http.Response) string {
	s.t.Helper()
	_ = resp.Body.Close()
	if refused := s.refusal(resp); refused.Status != 0 {
		return strconv.Itoa(refused.Status)
	}
	return answer{status: resp.StatusCode, header: resp.Header}.outcome()
}

// leads is where the answer sends a browser, which asks for a page there: "" for nowhere.
func (p answer) leads() string {
	if p.status != http.StatusSeeOther {
		return ""
	}
	return p.location()
}

var (
	formField    = regexp.MustCompile(`name="form" value="([^"]*)"`)
	sessionField = regexp.MustCompile(`name="session" value="([^"]*)"`)
)

func (v *visitor) do(req *http.Request) answer {
	v.t.Helper()
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8") // a browser's
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if m := formField.FindSubmatch(body); m != nil {
		v.form = html.UnescapeString(string(m[1]))
	}
	if m := sessionField.FindSubmatch(body); m != nil {
		v.about = string(m[1])
	}
	p := answer{resp.StatusCode, resp.Header, string(body)}
	if slices.ContainsFunc(resp.Cookies(), func(c *http.Cookie) bool { return isRefused(c) && c.Value != "" }) {
		return v.refused(p)
	}
	return p
}

// refusal returns why the form was refused that a response answers, for tests that send many at once.
func (s *site) refusal(resp *http.Response) (refused ui.Refused) {
	s.t.Helper()
	for _, c := range resp.Cookies() {
		if !isRefused(c) || c.Value == "" {
			continue
		}
		plain, err := s.login.Secrets.Box(storage.DefaultTenant, secret.RefusedForm).OpenString(c.Value)
		if err != nil || json.Unmarshal(plain, &refused) != nil {
			s.t.Errorf("the cookie of a refused form: %v, %s", err, plain)
		}
	}
	return refused
}

// isRefused reports whether a cookie says why a form was refused.
func isRefused(c *http.Cookie) bool { return strings.Contains(c.Name, "vouchsafe-refused") }

// refused follows the redirect that answers a refused form. The page there takes the cookie, so that it says
// what is wrong once.
func (v *visitor) refused(p answer) answer {
	v.t.Helper()
	to := p.leads()
	if to == "" || p.body != "" {
		v.t.Errorf("a refused form is answered with %d, which leads to %q: %s", p.status, to, p.body)
	}
	page := v.get(strings.TrimPrefix(to, v.base))
	if page.status < 400 || v.cookie("refused") != "" {
		v.t.Errorf("after a refusal, %s has status %d, and leaves the cookie %q", to, page.status, v.cookie("refused"))
	}
	return page
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodGet, v.url+v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

// request is a form as a browser sends it, from pairs of names and values.
func (v *visitor) request(path string, fields ...string) *http.Request {
	v.t.Helper()
	values := url.Values{}
	if v.form != "" {
		values.Set("form", v.form)
	}
	if v.about != "" {
		values.Set("session", v.about)
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	req, err := http.NewRequest(http.MethodPost, v.url+v.base+path, strings.NewReader(values.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.url)
	return req
}

func (v *visitor) post(path string, fields ...string) answer {
	v.t.Helper()
	return v.do(v.request(path, fields...))
}

// signIn opens the sign-in page and fills it in.
func (v *visitor) signIn(login, secret string) answer {
	v.t.Helper()
	v.get("/login?other=1")
	return v.post("/login", "login", login, "password", secret)
}

// plant gives the browser cookies that it was never sent.
func (v *visitor) plant(cookies ...*http.Cookie) {
	v.t.Helper()
	u, err := url.Parse(v.url)
	if err != nil {
		v.t.Fatal(err)
	}
	v.client.Jar.SetCookies(u, cookies)
}

// cookie is what the browser holds of a cookie of ours.
func (v *visitor) cookie(name string) string {
	v.t.Helper()
	u, err := url.Parse(v.url)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(u) {
		if strings.HasSuffix(c.Name, "vouchsafe-"+name) {
			return c.Value
		}
	}
	return ""
}
