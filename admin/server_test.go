package admin_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/upstreams"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/provider"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

const rootIssuer = "https://id.example.com"

// server is the management API with the protocol behind it, for a default tenant and the tenant acme.
type server struct {
	testing.TB
	store    *sqldb.Store
	provider *provider.Provider
	people   *people.Service
	tenancy  *web.Tenancy
	handler  http.Handler
	serve    func() // with nothing in its caches of tenants
	answers  *answers
	api      *admin.Server

	mu     sync.Mutex
	tokens map[string]string // by tenant and role
	// services are tokens of clients, by tenant and scopes.
	services map[string]string
	accounts *administration.Accounts
}

// onEveryDatabase runs a test on SQLite and on PostgreSQL.
func onEveryDatabase(t *testing.T, test func(s *server)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(start(t, "sqlite::memory:"))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(start(t, pgtest.Start(t)))
	})
}

func start(t testing.TB, database string) *server {
	t.Helper()
	store, err := sqldb.Open(t.Context(), database)
	check(t, err)
	t.Cleanup(func() { _ = store.Close() })
	check(t, store.Migrate(t.Context()))
	check(t, store.AddTenant(t.Context(), storage.Tenant{ID: "acme", Name: "Acme", CreatedAt: time.Now()}))
	secrets, err := secret.Parse(secret.Token())
	check(t, err)
	hasher, err := password.New(argon2id.Params{Memory: 64, Time: 1, Threads: 1}, nil)
	check(t, err)
	templates, err := mail.LoadTemplates("")
	check(t, err)
	log, counters := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), memory.New()
	s := &server{TB: t, store: store, tokens: map[string]string{}, services: map[string]string{}}
	s.answers = &answers{Store: store}
	limits := &limit.Limiter{Shared: counters, Local: counters, Log: log}
	errorPage := func(w http.ResponseWriter, _ *http.Request, p *web.Problem) { http.Error(w, p.Error(), p.Status) }
	s.provider, err = provider.New(provider.Config{
		Store: store, Secrets: secrets, Ephemeral: counters, Sessions: &browser.Sessions{}, Limits: limits, Log: log,
		Errors: errorPage, APIKeys: &apikeys.Reader{Store: store, Limits: limits, Log: log},
	})
	check(t, err)
	s.people, err = people.New(people.Service{
		Store: store, Limits: limits, Passwords: hasher, Secrets: secrets, Log: log, Note: web.Note,
		Mail:  &mail.Mailer{Secrets: secrets, Templates: templates, Wake: func() {}},
		Words: func(language string) people.Words { return texts.In(language) },
	})
	check(t, err)
	upstreamProviders, err := federation.New(federation.Service{Service: s.people,
		Calls: upstreams.New(outbound.Client(outbound.Config{AllowPrivate: true}))})
	check(t, err)
	s.accounts = &administration.Accounts{Store: store, Policy: s.people.Policy, Passwords: hasher,
		Pairwise: func(context.Context) (*pairwise.Service, error) {
			return &pairwise.Service{Store: store, Secrets: secrets}, nil
		}}
	signInAs, err := acting.New(acting.Service{Service: s.people, Accounts: s.accounts})
	check(t, err)
	s.api, err = admin.New(admin.Config{
		People: selfservice.Service{Service: s.people}, Acting: signInAs, Federation: upstreamProviders, Store: s.answers,
		Secrets: secrets, Tokens: s.provider.Apps(),
		Keys: s.provider.Keys, Errors: errorPage, Issuer: rootIssuer, Accounts: s.accounts,
		Language: func(*http.Request) string { return "en" },
		Webhooks: &webhooks.Worker{Store: store, Log: log,
			Sender: webhooks.NewSender(secrets, outbound.Config{AllowPrivate: true})},
	})
	check(t, err)
	router := mux.NewRouter().SkipClean(true)
	s.provider.Register(router)
	s.api.Register(router)
	s.serve = func() {
		var err error
		s.tenancy, err = web.NewTenancy(rootIssuer, store, s.api.ErrorPage)
		check(t, err)
		s.handler = (&web.Edge{Log: log, Errors: s.api.ErrorPage}).Wrap(s.tenancy.Wrap(router))
	}
	s.serve()
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tenant returns the tenant with the id, "" for the default one.
func (s *server) tenant(id string) *issuer.Tenant {
	s.Helper()
	if id == "" {
		id = storage.DefaultTenant
	}
	t, err := s.tenancy.Tenant(s.Context(), id)
	check(s, err)
	return t
}

// api is the API of a tenant with an access token.
type api struct {
	*server
	tenant *issuer.Tenant
	token  string
}

// as returns the API of the tenant for an administrator of the role, whose token has all scopes.
func (s *server) as(tenant, role string) *api {
	s.Helper()
	t := s.tenant(tenant)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := t.ID + " " + role
	if s.tokens[key] == "" {
		id := s.add(t, storage.User{AdminRole: role})
		s.tokens[key] = s.userToken(t, id, administration.Scopes, t.URL(admin.Prefix))
	}
	return &api{s, t, s.tokens[key]}
}

// add adds a user of the tenant, and returns the id.
func (s *server) add(t *issuer.Tenant, u storage.User) string {
	s.Helper()
	u.TenantID, u.ID, u.CredentialVersion = t.ID, uuid.Must(uuid.NewV7()).String(), 1
	u.CreatedAt, u.UpdatedAt = time.Now(), time.Now()
	check(s, s.store.Apply(s.Context(), storage.Change{TenantID: t.ID, UserID: u.ID, Now: u.CreatedAt, Add: &u}))
	return u.ID
}

// userToken returns a token that an app got for the user.
func (s *server) userToken(t *issuer.Tenant, user string, scopes []string, audience ...string) string {
	s.Helper()
	return s.tokenOf(t, storage.Session{UserID: user, AuthTime: time.Now(), AMR: []string{"pwd"}}, scopes, audience...)
}

// tokenOf returns a token that an app got for the user of a session.
func (s *server) tokenOf(t *issuer.Tenant, sess storage.Session, scopes []string, audience ...string) string {
	s.Helper()
	app := storage.Client{
		TenantID: t.ID, ClientID: "console-" + uuid.NewString()[:8], FirstParty: true, TokenEndpointAuthMethod: "none",
		GrantTypes: []string{clients.FirstPartyGrant}, Scope: "openid " + strings.Join(scopes, " "), Audience: audience,
		CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	check(s, s.store.PutClient(s.Context(), app))
	now := time.Now()
	sess.TenantID, sess.ID, sess.CredentialVersion = t.ID, uuid.Must(uuid.NewV7()).String(), 1
	sess.CreatedAt, sess.SeenAt, sess.ExpiresAt, sess.SecretHash = now, now, now.Add(time.Hour), []byte(sess.UserID)
	check(s, s.store.Apply(s.Context(), storage.Change{TenantID: t.ID, UserID: sess.UserID, Now: now, AddSession: &sess}))
	got, err := s.provider.Apps().Tokens(web.WithTenant(s.Context(), t), app, sess, app.Scope)
	check(s, err)
	return got.AccessToken
}

// service returns the API of the tenant for a client that got a token for itself.
func (s *server) service(tenant string, scopes ...string) *api {
	s.Helper()
	t := s.tenant(tenant)
	value, hash := clients.NewSecret()
	c := storage.Client{
		// An id such as those of imported users.
		TenantID: t.ID, ClientID: uuid.NewString(), GrantTypes: []string{"client_credentials"},
		TokenEndpointAuthMethod: "client_secret_basic", Scope: strings.Join(scopes, " "), SecretHashes: []string{hash},
		Audience: []string{t.URL(admin.Prefix)}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	check(s, s.store.PutClient(s.Context(), c))
	form := url.Values{"grant_type": {"client_credentials"}}
	r := httptest.NewRequest(http.MethodPost, t.URL("/token"), strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.ClientID, value)
	got := (&api{server: s, tenant: t}).answer(r)
	return &api{s, t, got.text("access_token")}
}

// fields are the members of a JSON object.
type fields map[string]any

// reply is an answer.
type reply struct {
	testing.TB
	status int
	header http.Header
	raw    string
	body   fields
}

// do sends a request with a JSON body, unless body is nil, and headers as "Name: value". The answer has to be one
// that the OpenAPI document describes.
func (a *api) do(method, path string, body any, headers ...string) *reply {
	a.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		check(a, err)
		in = strings.NewReader(string(text))
	}
	r := httptest.NewRequest(method, a.tenant.URL(admin.Prefix+path), in)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	got := a.answer(r)
	described(a, method, path, got)
	return got
}

// answer returns the answer to a request.
func (a *api) answer(r *http.Request) *reply {
	a.Helper()
	w := httptest.NewRecorder()
	r.RemoteAddr = "192.0.2.1:1234"
	a.handler.ServeHTTP(w, r)
	got := &reply{TB: a.TB, status: w.Code, header: w.Header(), raw: w.Body.String()}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &got.body); err != nil {
			a.Fatalf("%s %s: got %d %q, which is no JSON object", r.Method, r.URL, w.Code, got.raw)
		}
	}
	return got
}

// is fails the test unless the answer has the status, and as a problem the code.
func (r *reply) is(status int, code ...string) *reply {
	r.Helper()
	if r.status != status || len(code) > 0 && r.body["code"] != code[0] {
		r.Fatalf("got %d %s, want %d %v", r.status, r.raw, status, code)
	}
	return r
}

// get returns a value by the names of members, separated by dots.
func (r *reply) get(path string) any {
	var v any = map[string]any(r.body)
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

func (r *reply) text(path string) string {
	r.Helper()
	text, ok := r.get(path).(string)
	if !ok {
		r.Fatalf("the answer %s has no text %s", r.raw, path)
	}
	return text
}

// items returns the entries of a page.
func (r *reply) items() []fields {
	r.Helper()
	list, ok := r.body["items"].([]any)
	if !ok {
		r.Fatalf("the answer %s is no page", r.raw)
	}
	all := make([]fields, len(list))
	for i, one := range list {
		all[i] = one.(map[string]any)
	}
	return all
}

// has fails the test unless the problem has a fault of the code at the JSON pointer or parameter.
func (r *reply) has(at, code string) *reply {
	r.Helper()
	list, _ := r.body["errors"].([]any)
	for _, f := range list {
		f := f.(map[string]any)
		if (f["pointer"] == at || f["field"] == at) && f["code"] == code {
			return r
		}
	}
	r.Errorf("got %s, want the fault %s at %s", r.raw, code, at)
	return r
}
