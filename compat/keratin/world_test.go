package keratin_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/compat/compattest"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
)

// appOrigin is where the app's pages are.
const appOrigin = "https://app.example.com"

// goodPassword is accepted by the policy.
const goodPassword = "tidal lantern orchard"

// world is a server that runs with the setting keratin, and the app's server that gets its webhooks.
type world struct {
	t                   *testing.T
	at, private, issuer string // the public routes with AUTHN_URL's path, the private ones, and our own
	hooks               *hooks
	cfg                 *settings.Config
	log                 *compattest.Log
}

// start runs a server with variables NAME=VALUE, which replace the usual ones.
func start(t *testing.T, more ...string) *world {
	t.Helper()
	w := &world{t: t, hooks: receiveHooks(t)}
	s := compattest.Start(t, ownClient, func(s *compattest.Server, env map[string]string) {
		w.issuer = s.Issuer
		w.private, w.at = "http://localhost:"+s.Ports[0]+"/authn", "http://localhost:"+s.Ports[1]+"/authn"
		maps.Copy(env, map[string]string{
			"VOUCHSAFE_KERATIN": "default",
			"AUTHN_URL":         w.at, "APP_DOMAINS": "app.example.com,*.shops.example.com:443", "HTTP_AUTH_USERNAME": "app",
			"HTTP_AUTH_PASSWORD": "the app's server", "PORT": s.Ports[0], "PUBLIC_PORT": s.Ports[1],
			"APP_PASSWORD_RESET_URL":     w.hooks.url + "/reset",
			"APP_PASSWORDLESS_TOKEN_URL": w.hooks.url + "/passwordless", "APP_PASSWORD_CHANGED_URL": w.hooks.url + "/changed",
			"APP_SIGNING_KEY": hex.EncodeToString([]byte("signing key")),
		})
		for _, m := range more {
			name, value, _ := strings.Cut(m, "=")
			env[name] = value
		}
		if env["PORT"] == "" { // on our own port, below a path
			w.at, w.private = w.issuer+"/authn", w.issuer+"/authn"
			env["AUTHN_URL"] = w.at
		}
	})
	w.cfg, w.log = s.Config, s.Log
	return w
}

// opsSecret is the secret of the client ops.
const opsSecret = "a secret of the program, which is long"

// ownClient is an app that signs in by the JSON API of Vouchsafe, and a program that manages users.
const ownClient = `
clients:
  - client_id: own
    client_name: Own
    first_party: true
    token_endpoint_auth_method: none
    grant_types: ["urn:vouchsafe:first-party"]
  - client_id: ops
    client_name: Ops
    client_secret: "` + opsSecret + `"
    grant_types: [client_credentials]
    audience: ["ISSUER/api/v1"]
    scope: users:read users:write
`

// hook is a webhook that the app's server got.
type hook struct {
	path, user, password, signature, body string
	form                                  url.Values
}

// hooks are the webhooks of a world.
type hooks struct {
	url string
	got chan hook
	mu  sync.Mutex
	bad int // so many are answered 500
}

// receiveHooks starts the app's server.
func receiveHooks(t *testing.T) *hooks {
	t.Helper()
	h := &hooks{got: make(chan hook, 100)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := hook{path: r.URL.Path, signature: r.Header.Get("X-Authn-Notification-Signature"), body: string(body)}
		got.user, got.password, _ = r.BasicAuth()
		got.form, _ = url.ParseQuery(got.body)
		h.mu.Lock()
		bad := h.bad > 0
		h.bad--
		h.mu.Unlock()
		if bad {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		h.got <- got
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	h.url = "http://hooks:secret@" + l.Addr().String()
	return h
}

// next returns the next webhook.
func (h *hooks) next(t *testing.T) hook {
	t.Helper()
	select {
	case got := <-h.got:
		return got
	case <-time.After(time.Minute):
		t.Fatal("no webhook came")
		return hook{}
	}
}

// browser is a browser with a page of the app.
type browser struct {
	w      *world
	client *http.Client
	origin string
}

// browser returns a browser that holds no cookies.
func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}, appOrigin}
}

// answer is what came back.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   string
}

// do sends a request of the page: a form of pairs of names and values.
func (b *browser) do(method, path string, pairs ...string) *answer {
	b.w.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	target, body := b.w.at+path, form.Encode()
	if method == http.MethodGet {
		target, body = target+"?"+body, ""
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		b.w.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.origin != "" {
		req.Header.Set("Origin", b.origin)
	}
	return b.w.send(b.client, req)
}

// send sends a request.
func (w *world) send(client *http.Client, req *http.Request) *answer {
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

// app sends a request of the app's server, to the private routes.
func (w *world) app(method, path string, pairs ...string) *answer {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequest(method, w.private+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.SetBasicAuth("app", "the app's server")
	if len(pairs) > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return w.send(http.DefaultClient, req)
}

// want checks status and body. The body of an answer with a token is "TOKEN".
func (a *answer) want(status int, body string) *answer {
	a.t.Helper()
	got := a.body
	if strings.HasPrefix(got, `{"result":{"id_token":"ey`) {
		got = "TOKEN"
	}
	if a.status != status || got != body {
		a.t.Errorf("%s: got %d %s, want %d %s", a.what, a.status, got, status, body)
	}
	return a
}

// refused is want for 422 with pairs of fields and messages.
func (a *answer) refused(pairs ...string) *answer {
	a.t.Helper()
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, fmt.Sprintf(`{"field":%q,"message":%q}`, pairs[i], pairs[i+1]))
	}
	return a.want(http.StatusUnprocessableEntity, `{"errors":[`+strings.Join(all, ",")+`]}`)
}

// tokenClaims are what an id_token says.
type tokenClaims struct {
	Iss, Sub, Sid  string
	Aud, AMR       []string
	Exp, Iat       int64
	AuthTime       int64 `json:"auth_time"`
	kid, typ, text string
}

// token returns what the id_token of an answer says, verified by the published keys.
func (a *answer) token(w *world) tokenClaims {
	a.t.Helper()
	var body struct {
		Result struct {
			Token string `json:"id_token"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || body.Result.Token == "" {
		a.t.Fatalf("%s: got %d %s, want a token", a.what, a.status, a.body)
	}
	res, err := http.Get(w.at + "/jwks")
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(res.Body).Decode(&keys); err != nil {
		a.t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(body.Result.Token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		a.t.Fatal(err)
	}
	plain, err := parsed.Verify(keys)
	if err != nil {
		a.t.Fatal(err)
	}
	var c tokenClaims
	if err := json.Unmarshal(plain, &c); err != nil {
		a.t.Fatal(err)
	}
	header := parsed.Signatures[0].Protected
	c.kid, c.text = header.KeyID, body.Result.Token
	c.typ, _ = header.ExtraHeaders[jose.HeaderType].(string)
	return c
}

// number returns the number of the account in an id_token.
func (c tokenClaims) number() string { return c.Sub }

// newName returns a username that no account has.
func newName() string { return "u" + strings.ToLower(rand.Text()[:10]) }

// signedUp returns a browser that is signed in to a new account, with the claims of its token.
func (w *world) signedUp(name string) (*browser, tokenClaims) {
	w.t.Helper()
	b := w.browser()
	a := b.do("POST", "/accounts", "username", name, "password", goodPassword).want(http.StatusCreated, "TOKEN")
	return b, a.token(w)
}

// signsInAtOurs reports whether the JSON API of Vouchsafe signs the user in.
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
	a := w.send(http.DefaultClient, req)
	if a.status != http.StatusOK && !strings.Contains(a.body, "credentials") {
		w.t.Fatalf("%s: got %d %s", a.what, a.status, a.body)
	}
	return a.status == http.StatusOK
}

// makeOwner makes the account of the name an owner of the installation.
func (w *world) makeOwner(name string) {
	w.t.Helper()
	store, err := installation.OpenStore(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	u, err := store.UserByUsername(w.t.Context(), "default", name)
	if err != nil {
		w.t.Fatal(err)
	}
	owner := storage.RoleOwner
	err = store.Apply(w.t.Context(), storage.Change{TenantID: "default", UserID: u.ID, Now: time.Now(), SetAdmin: &owner})
	if err != nil {
		w.t.Fatal(err)
	}
}
