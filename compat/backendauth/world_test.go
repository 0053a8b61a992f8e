package backendauth_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/compat/compattest"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// goodPassword is accepted everywhere, also as that of a tenant.
const goodPassword = "Tidal7Lantern9Orchard"

// world is a server that runs with the setting backend_auth.
type world struct {
	t                *testing.T
	at, issuer, port string // the routes, our own, and PORT
	maintain         string // MAINTAIN_TLS_PORT
	cfg              *settings.Config
	log              *compattest.Log
}

// start runs a server with variables NAME=VALUE, which replace the usual ones. In values ISSUER is our own address,
// and MAINTAIN alone is the port for maintenance.
func start(t *testing.T, more ...string) *world {
	t.Helper()
	w := &world{t: t}
	s := compattest.Start(t, ownClient, func(s *compattest.Server, env map[string]string) {
		w.issuer, w.port, w.maintain = s.Issuer, s.Ports[0], s.Ports[1]
		maps.Copy(env, map[string]string{
			"VOUCHSAFE_BACKEND_AUTH": "http://localhost:" + w.port, "PORT": w.port, "TENANT_WHITE_LIST": "*",
			"THROTTLER_WHITE_LIST": "127.0.0.1,::1", "MAINTAIN_TLS_PORT": "",
		})
		for _, m := range more {
			name, value, _ := strings.Cut(m, "=")
			if value == "MAINTAIN" {
				value = w.maintain
			}
			env[name] = strings.ReplaceAll(value, "ISSUER", w.issuer)
		}
		if w.at = env["VOUCHSAFE_BACKEND_AUTH"]; env["VOUCHSAFE_DATABASE_URL"] != "" {
			delete(env, "VOUCHSAFE_DATA")
			env["VOUCHSAFE_ISSUER"] = w.issuer
		}
	})
	w.cfg, w.log = s.Config, s.Log
	return w
}

// ownClient is an app that signs in by the JSON API of Vouchsafe.
const ownClient = `
clients:
  - client_id: own
    client_name: Own
    first_party: true
    token_endpoint_auth_method: none
    grant_types: ["urn:vouchsafe:first-party"]
`

// answer is what came back.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   string
}

// send sends a request. body is JSON, or nil; token is that of a tenant, or "".
func (w *world) send(method, path, token string, body any) *answer {
	w.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			w.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, w.at+path, bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return w.do(http.DefaultClient, req)
}

// do sends a request that is complete.
func (w *world) do(client *http.Client, req *http.Request) *answer {
	w.t.Helper()
	res, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return &answer{w.t, req.Method + " " + req.URL.Path, res.StatusCode, res.Header, strings.TrimSpace(string(text))}
}

// want checks status and body.
func (a *answer) want(status int, body string) *answer {
	a.t.Helper()
	if a.status != status || a.body != body {
		a.t.Errorf("%s: got %d %s, want %d %s", a.what, a.status, a.body, status, body)
	}
	return a
}

// into reads the body of an answer with the status 200.
func (a *answer) into(to any) {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("%s: got %d %s, want 200", a.what, a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), to); err != nil {
		a.t.Fatalf("%s: %v in %s", a.what, err, a.body)
	}
}

// invalid checks that the members are wrong, each with a message.
func (a *answer) invalid(pairs ...string) *answer {
	a.t.Helper()
	var body struct {
		Error struct {
			Details []struct {
				Message, Path, Type string
				Context             struct{ Key string }
			}
		}
		Message string
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != 422 || body.Message != "Validation error" {
		a.t.Fatalf("%s: got %d %s, want 422", a.what, a.status, a.body)
	}
	var got []string
	for _, d := range body.Error.Details {
		if d.Type == "" || d.Context.Key != d.Path {
			a.t.Errorf("%s: got the fault %+v", a.what, d)
		}
		got = append(got, d.Path, d.Message)
	}
	if !slices.Equal(got, pairs) {
		a.t.Errorf("%s: got %q, want %q", a.what, got, pairs)
	}
	return a
}

// object is a body.
type object map[string]any

// with returns the object with further members; nil takes one away.
func (o object) with(pairs ...any) object {
	all := maps.Clone(o)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(all, pairs[i].(string))
			continue
		}
		all[pairs[i].(string)] = pairs[i+1]
	}
	return all
}

// tenant is a tenant that was registered.
type tenant struct {
	ID, Email, Token string
	w                *world
}

// register registers a tenant.
func (w *world) register() tenant {
	w.t.Helper()
	t := tenant{w: w}
	email := newName() + "@example.com"
	w.send("POST", "/tenant", "", object{"email": email, "password": goodPassword}).into(&t)
	if t.Email != email || t.ID == "" || t.Token == "" {
		w.t.Fatalf("got %+v", t)
	}
	return t
}

// send sends a request of the tenant's app.
func (t tenant) send(method, path string, body any) *answer {
	t.w.t.Helper()
	return t.w.send(method, path, t.Token, body)
}

// user is a user as the routes show one.
type user struct {
	ID, Login, Email, Tenant, Sub  string
	Scope                          any
	RegistrationDate, LastActivity int64
}

// newUser returns a body for POST /user.
func newUser(login string) object {
	return object{"email": login + "@example.com", "login": login, "password": goodPassword, "sub": "sub of " + login}
}

// add adds a user.
func (t tenant) add(body object) (u user) {
	t.w.t.Helper()
	t.send("POST", "/user", body).into(&u)
	return u
}

// signIn signs a user in, and returns the token.
func (t tenant) signIn(login, device string) string {
	t.w.t.Helper()
	var got struct{ AccessToken string }
	t.send("POST", "/auth", object{"login": login, "password": goodPassword, "deviceId": device}).into(&got)
	return got.AccessToken
}

// decoded are the claims of a token, as a route says them.
type decoded struct {
	ID, Login, DeviceID, JTI, Sub, Aud string
	Scope                              any
	Iat, Exp                           int64
	IsTenant                           bool
}

// verify returns what a user's token says.
func (t tenant) verify(token string) (d decoded) {
	t.w.t.Helper()
	var got struct{ Decoded decoded }
	t.send("POST", "/auth/verify", object{"token": token}).into(&got)
	return got.Decoded
}

// newName returns a name that no account has.
func newName() string { return "u" + strings.ToLower(rand.Text()[:10]) }

// claimsOf returns the claims of a token, unverified.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%s isn't a token", token)
	}
	plain, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err == nil {
		err = json.Unmarshal(plain, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// store opens the database of the world.
func (w *world) store() installation.Store {
	w.t.Helper()
	store, err := installation.OpenStore(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = store.Close() })
	return store
}

// defaultTenant gives the default tenant a login, and signs its app in.
func (w *world) defaultTenant() tenant {
	w.t.Helper()
	email, err := address.Claim(newName() + "@example.com")
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.store().PutTenantLogin(w.t.Context(), storage.TenantLogin{TenantID: storage.DefaultTenant,
		Email: email.String(), EmailKey: email.Key(), Password: w.hash(goodPassword), CreatedAt: time.Now()})
	if err != nil {
		w.t.Fatal(err)
	}
	t := tenant{ID: storage.DefaultTenant, Email: email.String(), w: w}
	w.send("POST", "/tenant/login", "", object{"email": t.Email, "password": goodPassword}).into(&t)
	return t
}

// hash returns the stored form of a password.
func (w *world) hash(password string) []byte {
	w.t.Helper()
	hasher, err := installation.Hasher(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	hash, err := hasher.Hash(w.t.Context(), password)
	if err != nil {
		w.t.Fatal(err)
	}
	return hash
}

// addOurs adds a user to the default tenant as an administrator of Vouchsafe does, with an AdminRole or "".
func (w *world) addOurs(name, role string) storage.User {
	w.t.Helper()
	now := time.Now()
	u := storage.User{TenantID: storage.DefaultTenant, ID: uuid.Must(uuid.NewV7()).String(), Username: name,
		UsernameKey: name, UsernameSkeleton: name, CreatedAt: now, UpdatedAt: now}
	ch := storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: now, Add: &u, Credentials: []storage.Credential{
		{Kind: storage.PasswordCredential, Data: w.hash(goodPassword), CreatedAt: now, UpdatedAt: now}}}
	if role != "" {
		ch.SetAdmin = &role
	}
	if err := w.store().Apply(w.t.Context(), ch); err != nil {
		w.t.Fatal(err)
	}
	return u
}

// signsInAtOurs reports whether the JSON API of Vouchsafe signs the user of the default tenant in.
func (w *world) signsInAtOurs(name, password string) bool {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"client_id": "own", "login": name, "password": password})
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, w.issuer+"/auth/sign-in", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	a := w.do(http.DefaultClient, req)
	if a.status != http.StatusOK && !strings.Contains(a.body, "credentials") {
		w.t.Fatalf("%s: got %d %s", a.what, a.status, a.body)
	}
	return a.status == http.StatusOK
}
