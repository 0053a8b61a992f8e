package login

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/api"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/provider"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

const appOrigin = "https://app.example"

// apiSite is the pages and the API with the protocol itself behind them, and the clients
// "mobile" (public) and "shop" (with a secret), both first-party.
type apiSite struct {
	kept sync.Map // auth_session by the access token that came with it
	*site
	provider *provider.Provider
	secret   string // shop's
	client   *http.Client
	base     string // the tenant's path
}

func newAPI(t testing.TB, change func(*Config)) *apiSite {
	t.Helper()
	a := &apiSite{}
	a.site = startWith(t, "http", "localhost", func(c *Config) { // a name, without which there are no passkeys
		store, ephemeral := c.Store.(*sqldb.Store), memory.New()
		var err error
		a.provider, err = provider.New(provider.Config{
			Store: store, Secrets: c.Secrets, Ephemeral: ephemeral, Sessions: c.Sessions, Limits: c.Limits, Log: c.Log,
			Errors: func(w http.ResponseWriter, r *http.Request, p *web.Problem) { a.api.ErrorPage(w, r, p) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(c)
		}
	}, func() api.Apps { return a.provider.Apps() })
	a.provider.Register(a.router)
	a.client = a.srv.Client()
	var hash string
	a.secret, hash = clients.NewSecret()
	a.app("mobile", func(c *storage.Client) { c.AllowedCORSOrigins = []string{appOrigin} })
	a.app("shop", func(c *storage.Client) {
		c.TokenEndpointAuthMethod, c.SecretHashes = "client_secret_basic", []string{hash}
	})
	return a
}

// app registers a first-party client.
func (a *apiSite) app(id string, change func(*storage.Client)) {
	a.t.Helper()
	c := storage.Client{
		TenantID: storage.DefaultTenant, ClientID: id, FirstParty: true, TokenEndpointAuthMethod: "none",
		GrantTypes:   []string{clients.FirstPartyGrant, "authorization_code", "refresh_token"},
		RedirectURIs: []string{"https://app.example/callback"}, Scope: "openid profile email offline_access api",
	}
	if change != nil {
		change(&c)
	}
	if faults := clients.Validate(&c); len(faults) > 0 {
		a.t.Fatal(faults)
	}
	if err := a.store.PutClient(a.t.Context(), c); err != nil {
		a.t.Fatal(err)
	}
}

// fields are the members of a request's or an answer's JSON.
type fields map[string]any

func (f fields) str(name string) string { s, _ := f[name].(string); return s }

// with is f and more.
func (f fields) with(more fields) fields {
	out := fields{}
	for _, list := range []fields{f, more} {
		for name, v := range list {
			out[name] = v
		}
	}
	return out
}

// said is an answer of the API.
type said struct {
	status int
	header http.Header
	raw    string
	fields
}

// faults are the faulty fields with their codes: "login=login_missing".
func (a said) faults() string {
	var all []string
	list, _ := a.fields["errors"].([]any)
	for _, f := range list {
		one, _ := f.(map[string]any)
		all = append(all, one["field"].(string)+"="+one["code"].(string))
		if one["message"] == "" {
			return "a fault without words"
		}
	}
	return strings.Join(all, " ")
}

// documentedFaults fails unless the reference has the code of each fault.
func documentedFaults(t testing.TB, a said) {
	t.Helper()
	list, _ := a.fields["errors"].([]any)
	for _, f := range list {
		one, _ := f.(map[string]any)
		if !slices.ContainsFunc(api.FieldCodes(), func(c jsonapi.FieldCode) bool { return c.Code == one["code"] }) {
			t.Errorf("the reference does not have the field code %v", one["code"])
		}
	}
}

// request is one of an app without a browser. A string is the body as it is; headers come
// as "Name: value".
func (a *apiSite) request(method, path string, body any, headers ...string) *http.Request {
	a.t.Helper()
	text, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		if err != nil {
			a.t.Fatal(err)
		}
		text = string(b)
	}
	req, err := http.NewRequest(method, a.url+a.base+path, strings.NewReader(text))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Set(name, value); value == "" {
			req.Header.Del(name)
		}
	}
	return req
}

// send sends it, and checks the manners of every answer.
func (a *apiSite) send(req *http.Request) said {
	a.t.Helper()
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	out := said{status: resp.StatusCode, header: resp.Header, raw: string(b), fields: fields{}}
	if len(b) > 0 && b[0] != '[' { // a list has no members
		if err := json.Unmarshal(b, &out.fields); err != nil {
			a.t.Fatalf("%s %s: got %d %q, want JSON", req.Method, req.URL.Path, out.status, out.raw)
		}
	}
	if token, kept := out.str("access_token"), out.str("auth_session"); token != "" && kept != "" {
		a.kept.Store(token, kept)
	}
	want := "application/json"
	if out.status >= 400 {
		want = "application/problem+json"
		if out.str("code") == "" || out.str("type") != "urn:vouchsafe:problem:"+out.str("code") ||
			out.fields["status"] != float64(out.status) ||
			out.str("title") == "" || out.str("instance") != "urn:uuid:"+out.header.Get("X-Request-Id") {
			a.t.Errorf("%s: no problem of RFC 9457: %s", req.URL.Path, out.raw)
		}
		if !slices.Contains(api.Codes()[out.str("code")], out.status) {
			a.t.Errorf("%s: the reference does not have the code %s with %d", req.URL.Path, out.str("code"), out.status)
		}
		documentedFaults(a.t, out)
	}
	if got := out.header.Get("Content-Type"); len(b) > 0 && got != want && !strings.HasPrefix(req.URL.Path, "/token") &&
		!strings.HasPrefix(req.URL.Path, "/userinfo") {
		a.t.Errorf("%s: got Content-Type %q, want %q", req.URL.Path, got, want)
	}
	if got := out.header.Get("Cache-Control"); got != "no-store" {
		a.t.Errorf("%s: got Cache-Control %q", req.URL.Path, got)
	}
	if out.header.Get("Set-Cookie") != "" {
		a.t.Errorf("%s: sets a cookie", req.URL.Path)
	}
	described(a.t, req.Method, strings.TrimPrefix(req.URL.Path, a.base), out)
	if (out.status == 401) != (out.header.Get("WWW-Authenticate") != "") {
		a.t.Errorf("%s: %d with WWW-Authenticate %q", req.URL.Path, out.status, out.header.Get("WWW-Authenticate"))
	}
	return out
}

// post calls as the public client.
func (a *apiSite) post(path string, body fields, headers ...string) said {
	a.t.Helper()
	return a.send(a.request(http.MethodPost, path, fields{"client_id": "mobile"}.with(body), headers...))
}

// is checks an answer's status and code.
func (a *apiSite) is(got said, status int, code string) said {
	a.t.Helper()
	if got.status != status || got.str("code") != code {
		a.t.Errorf("got %d %s, want %d %s", got.status, got.raw, status, code)
	}
	return got
}

// signsIn signs jo in and gives the tokens.
func (a *apiSite) signsIn(more fields) said {
	a.t.Helper()
	got := a.post("/auth/sign-in", fields{"login": "jo@example.com", "password": right}.with(more))
	if got.status != http.StatusOK || got.str("access_token") == "" {
		a.t.Fatalf("sign in: got %d %s", got.status, got.raw)
	}
	return got
}

// userinfo is what the access token tells.
func (a *apiSite) userinfo(token string) (status int, who fields) {
	a.t.Helper()
	req := a.request(http.MethodGet, "/userinfo", "", "Authorization: Bearer "+token)
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	_ = json.NewDecoder(resp.Body).Decode(&who)
	return resp.StatusCode, who
}

func TestAnAppSignsAUserInAndOut(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	got := a.signsIn(nil)
	if got.str("token_type") != "Bearer" || got.fields["expires_in"] != float64(600) || got.str("refresh_token") == "" ||
		got.str("id_token") == "" ||
		got.str("scope") != "openid profile email api" || got.str("auth_session") == "" {
		t.Errorf("got %s", got.raw)
	}
	if parts := strings.Split(got.str("access_token"), "."); len(parts) != 3 {
		t.Errorf("got the access token %s, want a JWT", got.str("access_token"))
	}
	if status, who := a.userinfo(got.str("access_token")); status != 200 || who["sub"] != jo.ID {
		t.Errorf("userinfo: got %d %v", status, who)
	}
	sessions, err := a.store.SessionsOf(t.Context(), storage.DefaultTenant, jo.ID, time.Now())
	if err != nil || len(sessions) != 1 || sessions[0].AMR[0] != "pwd" || sessions[0].IP == "" {
		t.Fatalf("sessions: %v, %v", sessions, err)
	}
	if e := a.events(storage.DefaultTenant)[0]; e.Kind != "login.succeeded" || e.UserID != jo.ID ||
		e.ClientID != "mobile" || e.Detail["session"] != sessions[0].ID {
		t.Errorf("event: %+v", e)
	}
	next := a.post("/auth/refresh-tokens", fields{"refresh_token": got.str("refresh_token")})
	if next.status != 200 || next.str("refresh_token") == got.str("refresh_token") ||
		next.str("access_token") == got.str("access_token") {
		t.Fatalf("refresh: got %d %s", next.status, next.raw)
	}
	a.is(a.post("/auth/logout", fields{"token": next.str("refresh_token")}), http.StatusNoContent, "")
	a.is(a.post("/auth/refresh-tokens", fields{"refresh_token": next.str("refresh_token")}),
		http.StatusBadRequest, "invalid_grant")
	if status, _ := a.userinfo(next.str("access_token")); status != 401 {
		t.Errorf("userinfo after signing out: got %d", status)
	}
	if sessions, _ := a.store.SessionsOf(t.Context(), storage.DefaultTenant, jo.ID, time.Now()); len(sessions) != 0 {
		t.Errorf("sessions after signing out: %v", sessions)
	}
	// Again, or with something else: the answer tells an attacker nothing (RFC 7009 section 2.2).
	for _, token := range []string{next.str("refresh_token"), "vrt_x", "nonsense"} {
		a.is(a.post("/auth/logout", fields{"token": token}), http.StatusNoContent, "")
	}
}

func TestAnAppWithASecretProvesItself(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	body := fields{"login": "jo", "password": right}
	call := func(body fields, headers ...string) said {
		return a.send(a.request(http.MethodPost, "/auth/sign-in", body, headers...))
	}
	if got := call(body, basicAuth("shop", a.secret)); got.status != 200 {
		t.Errorf("got %d %s", got.status, got.raw)
	}
	for name, got := range map[string]said{
		"without":      call(body.with(fields{"client_id": "shop"})),
		"a wrong one":  call(body, basicAuth("shop", "x")),
		"in the body":  call(body.with(fields{"client_id": "shop", "client_secret": a.secret})),
		"nobody":       call(body),
		"no such":      call(body.with(fields{"client_id": "nobody"})),
		"a bearer's":   call(body, "Authorization: Bearer x"),
		"two methods":  call(body.with(fields{"client_secret": a.secret}), basicAuth("shop", a.secret)),
		"another's id": call(body.with(fields{"client_id": "mobile"}), basicAuth("shop", a.secret)),
	} {
		want := http.StatusUnauthorized
		if name == "two methods" || name == "another's id" {
			want = http.StatusBadRequest
		}
		if got.status != want || got.fields["access_token"] != nil {
			t.Errorf("%s: got %d %s", name, got.status, got.raw)
		}
	}
	a.app("stranger", func(c *storage.Client) { c.FirstParty, c.GrantTypes = false, []string{"authorization_code"} })
	a.app("pages", func(c *storage.Client) { c.GrantTypes = []string{"authorization_code"} })
	for _, id := range []string{"stranger", "pages"} {
		a.is(call(body.with(fields{"client_id": id})), http.StatusBadRequest, "unauthorized_client")
	}
	a.is(call(body.with(fields{"client_id": "mobile", "scope": "openid admin"})), http.StatusBadRequest, "invalid_scope")
}

func basicAuth(id, secret string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(id, secret)
	return "Authorization: " + r.Header.Get("Authorization")
}

// tokensOf is an access token of the session.
func (a *apiSite) tokensOf(sess storage.Session) string {
	a.t.Helper()
	r := a.asked(storage.TenantSettings{})
	app, err := a.store.Client(r.Context(), sess.TenantID, "mobile")
	must(a.t, err)
	given, err := a.api.Apps.Tokens(r.Context(), app, sess, "")
	must(a.t, err)
	return given.AccessToken
}

// invites invites a user, and returns the token of the link.
func (a *apiSite) invites(email string) string {
	a.t.Helper()
	r := a.asked(storage.TenantSettings{})
	_, err := a.login.invitations.Invite(r.Context(), a.login.askerOf(r), invitations.Wanted{Email: email})
	must(a.t, err)
	_, token, _ := strings.Cut(a.mails.Next(a.t, email).Link, "invitation=")
	return token
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
