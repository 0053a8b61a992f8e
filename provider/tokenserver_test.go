package provider

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

const (
	testIssuer   = "https://id.example.com"
	testRedirect = "https://app.example.com/cb"
	testVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk.~x"
)

// tokenServer is a provider over HTTP with a user who is signed in, and what it
// takes to get tokens without the pages: codes are sealed as /authorize would.
type tokenServer struct {
	testing.TB
	p       *Provider
	store   testStore
	tenant  *issuer.Tenant
	handler http.Handler
	user    storage.User
	session storage.Session
	ip      string
}

// testStore is what the tests prepare besides what the provider asks for.
type testStore interface {
	Store
	storage.Clients
	storage.Consents
	storage.Grants
	storage.Keys
	storage.Audit
	storage.Tenants
	storage.Users
	storage.Credentials
	storage.Sessions
}

// startTokens serves on a new store; change alters the configuration.
func startTokens(t testing.TB, change ...func(*Config)) *tokenServer {
	t.Helper()
	store, ephemeral := openTestStore(t)
	return startTokensOn(t, store, ephemeral, change...)
}

func startTokensOn(t testing.TB, store testStore, ephemeral ephemeral.Store, change ...func(*Config)) *tokenServer {
	t.Helper()
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	c := Config{
		Store: store, Secrets: masters, Ephemeral: ephemeral, Log: log,
		Sessions: &browser.Sessions{},
		Pages:    Pages{Languages: []string{"en", "de"}},
		Limits:   &limit.Limiter{Shared: ephemeral, Local: ephemeral, Log: log},
		Errors:   func(w http.ResponseWriter, _ *http.Request, p *web.Problem) { http.Error(w, p.Error(), p.Status) },
	}
	for _, f := range change {
		f(&c)
	}
	s := &tokenServer{TB: t, store: store, ip: "192.0.2.1"}
	s.serve(c)
	s.signIn()
	return s
}

// serve makes the provider and all that stands before it.
func (s *tokenServer) serve(c Config) {
	s.Helper()
	p, err := New(c)
	if err != nil {
		s.Fatal(err)
	}
	s.listen(p)
}

// listen routes requests to p.
func (s *tokenServer) listen(p *Provider) {
	s.Helper()
	tenancy, err := web.NewTenancy(testIssuer, s.store, p.Errors)
	if err != nil {
		s.Fatal(err)
	}
	if s.tenant, err = tenancy.Tenant(s.Context(), storage.DefaultTenant); err != nil {
		s.Fatal(err)
	}
	router := mux.NewRouter()
	p.Register(router)
	edge := &web.Edge{Log: p.Log, Errors: p.Errors, Certificates: p.Certificates}
	if p.Certificates {
		edge.TrustedProxies, edge.CertificateHeader = []netip.Prefix{netip.MustParsePrefix(proxyIP + "/32")}, "Client-Cert"
		if edge.CertificatesURL, err = url.Parse(testIssuer); err != nil {
			s.Fatal(err)
		}
	}
	s.p, s.handler = p, edge.Wrap(tenancy.Wrap(router))
}

// replica is another process of the same installation.
func (s *tokenServer) replica() *tokenServer {
	s.Helper()
	other := *s
	other.serve(s.p.Config)
	return &other
}

func (s *tokenServer) signIn() {
	s.Helper()
	s.signInAs("jo")
}

// signInAs adds a user of that name, who signs in.
func (s *tokenServer) signInAs(name string) {
	s.Helper()
	now := time.Now()
	s.user = storage.User{
		TenantID: s.tenant.ID, ID: newID(), Username: name, UsernameKey: name,
		Email: name + "@example.com", EmailKey: name + "@example.com",
		EmailVerified: true, CredentialVersion: 1, CreatedAt: now, UpdatedAt: now,
		Profile: storage.Profile{Name: "Jo Doe", GivenName: "Jo", FamilyName: "Doe", Locale: "de-CH"},
	}
	if err := storagetest.AddUser(s.Context(), s.store, s.user, nil, nil); err != nil {
		s.Fatal(err)
	}
	s.session = storage.Session{
		TenantID: s.tenant.ID, ID: newID(), SecretHash: []byte("x"), UserID: s.user.ID, CredentialVersion: 1,
		AuthTime: now.Add(-time.Minute), AMR: []string{"pwd"}, ACR: "1",
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(1000 * time.Hour),
	}
	if err := storagetest.AddSession(s.Context(), s.store, s.session); err != nil {
		s.Fatal(err)
	}
}

// elsewhere is the server for a subtest, from an address that was not seen before.
func (s *tokenServer) elsewhere(t testing.TB) *tokenServer {
	other := *s
	other.TB = t
	other.ip = fmt.Sprintf("2001:db8:%x::1", addresses.Add(1))
	return &other
}

var addresses atomic.Int64

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// client registers a public client with all that a test may want, changed as it says.
func (s *tokenServer) client(change ...func(*storage.Client)) *storage.Client {
	s.Helper()
	c := storage.Client{
		TenantID: s.tenant.ID, ClientID: "spa", ApplicationType: "web", RedirectURIs: []string{testRedirect},
		GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
		Scope: "openid profile email offline_access api", TokenEndpointAuthMethod: "none",
	}
	for _, f := range change {
		f(&c)
	}
	s.put(&c)
	return &c
}

// service registers a confidential client for client credentials, and gives its secret.
func (s *tokenServer) service(id string, change ...func(*storage.Client)) (*storage.Client, string) {
	s.Helper()
	plain, hash := clients.NewSecret()
	c := storage.Client{
		TenantID: s.tenant.ID, ClientID: id, GrantTypes: []string{"client_credentials"}, Scope: "api jobs",
		TokenEndpointAuthMethod: "client_secret_basic", SecretHashes: []string{hash},
	}
	for _, f := range change {
		f(&c)
	}
	s.put(&c)
	return &c, plain
}

func (s *tokenServer) put(c *storage.Client) {
	s.Helper()
	c.UpdatedAt = time.Now()
	if err := s.store.PutClient(s.Context(), *c); err != nil {
		s.Fatal(err)
	}
	_, _ = s.p.clients.Fresh(s.Context(), c.TenantID, c.ClientID)
}

// code is an authorization code of the client, as /authorize would give one.
func (s *tokenServer) code(c *storage.Client, change ...func(*tokens.Code)) string {
	s.Helper()
	k := &tokens.Code{
		ID: newID(), ClientID: c.ClientID, RedirectURI: testRedirect, Nonce: "n-0S6",
		CodeChallenge: s256(testVerifier), Scopes: []string{"openid", "profile", "offline_access", "api"},
		UserID: s.user.ID, SessionID: s.session.ID, CredentialVersion: 1,
		AuthTime: s.session.AuthTime, IssuedAt: time.Now(), AMR: []string{"pwd"}, ACR: "1",
	}
	for _, f := range change {
		f(k)
	}
	// The user allowed what the code stands for; there need be neither of them.
	allowed := storage.Consent{
		TenantID: s.tenant.ID, UserID: k.UserID, ClientID: k.ClientID, Scopes: k.Scopes, GrantedAt: k.IssuedAt,
	}
	if err := storagetest.PutConsent(s.Context(), s.store, allowed); err != nil && !errors.Is(err, storage.ErrNotFound) {
		s.Fatal(err)
	}
	sealed, err := s.p.tokens.SealCode(s.tenant, k)
	if err != nil {
		s.Fatal(err)
	}
	return sealed
}

// reply is what an endpoint said.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (a reply) str(name string) string { v, _ := a.body[name].(string); return v }

// do sends a request and reads the JSON that comes.
func (s *tokenServer) do(r *http.Request) reply {
	s.Helper()
	r.RemoteAddr = net.JoinHostPort(s.ip, "4711")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	a := reply{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
		s.Fatalf("%s %s: got %d %q, want JSON", r.Method, r.URL.Path, w.Code, a.raw)
	}
	return a
}

// post posts a form to /token. A header is given as "Name: value".
func (s *tokenServer) post(form url.Values, header ...string) reply {
	s.Helper()
	r := httptest.NewRequest("POST", testIssuer+"/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return s.do(r)
}

// values makes a form of pairs.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func basic(id, secret string) string {
	return "Authorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// redeem presents a code of a public client with all that belongs to it.
func (s *tokenServer) redeem(c *storage.Client, code string) reply {
	s.Helper()
	return s.post(values("grant_type", "authorization_code", "client_id", c.ClientID, "code", code,
		"redirect_uri", testRedirect, "code_verifier", testVerifier))
}

// tokens gets the tokens of a new code, and fails when there are none.
func (s *tokenServer) tokens(c *storage.Client, change ...func(*tokens.Code)) reply {
	s.Helper()
	a := s.redeem(c, s.code(c, change...))
	if a.status != http.StatusOK {
		s.Fatalf("redeem code: got %d %s, want tokens", a.status, a.raw)
	}
	return a
}

func (s *tokenServer) refresh(c *storage.Client, token string, more ...string) reply {
	s.Helper()
	pairs := []string{"grant_type", "refresh_token", "client_id", c.ClientID, "refresh_token", token}
	return s.post(values(append(pairs, more...)...))
}

// fails checks an error answer: its status and code, and the manners of every error (D3).
func (s *tokenServer) fails(a reply, status int, code string) {
	s.Helper()
	if a.status != status || a.str("error") != code {
		s.Errorf("got %d %s, want %d %s", a.status, a.raw, status, code)
	}
	s.mannered(a)
}

var registeredErrors = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
	"unsupported_response_type", "invalid_scope", "temporarily_unavailable", "invalid_target",
	"invalid_dpop_proof", "use_dpop_nonce", "invalid_request_object",
}

func (s *tokenServer) mannered(a reply) {
	s.Helper()
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		s.Errorf("Cache-Control: got %q, want no-store", got)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		s.Errorf("Content-Type: got %q, want application/json", got)
	}
	if !slices.Contains(registeredErrors, a.str("error")) {
		s.Errorf("got error %q, which is not registered", a.str("error"))
	}
	for name := range a.body {
		if name != "error" && name != "error_description" {
			s.Errorf("got member %q in an error", name)
		}
	}
	if (a.status == http.StatusUnauthorized) != (a.header.Get("WWW-Authenticate") != "") {
		s.Errorf("got WWW-Authenticate %q with %d", a.header.Get("WWW-Authenticate"), a.status)
	}
}

// access opens the access token of an answer.
func (s *tokenServer) access(a reply) *tokens.AccessClaims {
	s.Helper()
	claims, err := s.p.tokens.OpenAccessToken(s.Context(), s.tenant, a.str("access_token"), time.Now())
	if err != nil {
		s.Fatalf("access token: %v", err)
	}
	return claims
}

// grant is the grant that the answer's access token names.
func (s *tokenServer) grant(a reply) storage.Grant {
	s.Helper()
	g, err := s.store.Grant(s.Context(), s.tenant.ID, s.access(a).GrantID)
	if err != nil {
		s.Fatal(err)
	}
	return g
}

// lives says whether the tokens of the answer still mean anything.
func (s *tokenServer) lives(a reply) bool {
	s.Helper()
	claims := s.access(a)
	_, _, err := s.store.LiveGrant(s.Context(), s.tenant.ID, claims.GrantID, claims.JTI, time.Now(), nil)
	return err == nil
}

// events counts the audit events of a kind.
func (s *tokenServer) events(kind string) (n int) {
	s.Helper()
	all, err := s.store.Events(s.Context(), s.tenant.ID, "", 1000)
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// payload decodes the claims of a JWT without verifying it.
func payload(t testing.TB, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("got %q, want a JWT", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
