package vouchsafetest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// API is a program that calls the endpoints from an address of its own.
type API struct {
	Server  *Server
	client  *http.Client
	from    net.IP
	cleanup func(func())
}

// API returns a new one.
func (s *Server) API(t testing.TB) *API {
	t.Helper()
	from := address()
	c := s.client(from)
	t.Cleanup(c.CloseIdleConnections)
	return &API{s, c, from, t.Cleanup}
}

// HTTP returns a client for libraries that make their own requests.
func (s *Server) HTTP(t testing.TB) *http.Client {
	t.Helper()
	c := s.client(address())
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// Reply is the answer of an endpoint.
type Reply struct {
	Status int
	Header http.Header
	Raw    string
	Body   map[string]any // nil if the answer is not JSON
	// Received is when all of the answer had arrived.
	Received time.Time
}

// String returns the member with that name, or "".
func (r *Reply) String(name string) string {
	s, _ := r.Body[name].(string)
	return s
}

// Error returns the error code, or "".
func (r *Reply) Error() string { return r.String("error") }

// Access returns the access token, or "".
func (r *Reply) Access() string { return r.String("access_token") }

// Refresh returns the refresh token, or "".
func (r *Reply) Refresh() string { return r.String("refresh_token") }

// ID returns the ID token, or "".
func (r *Reply) ID() string { return r.String("id_token") }

// Want fails the test unless the reply has the status and the error code. "" stands for no error.
func (r *Reply) Want(t testing.TB, status int, code string) *Reply {
	t.Helper()
	if r.Status != status || r.Error() != code {
		t.Fatalf("got %d %s, want %d %s", r.Status, r.Raw, status, code)
	}
	return r
}

// WantNot fails the test if the reply contains tokens.
func (r *Reply) WantNot(t testing.TB) *Reply {
	t.Helper()
	if r.Status < 400 || r.Access() != "" || r.Error() == "" {
		t.Fatalf("got %d %s, want an error", r.Status, r.Raw)
	}
	return r
}

// Do sends the request as it is and reads the reply.
func (a *API) Do(t testing.TB, req *http.Request) *Reply {
	t.Helper()
	r, err := a.attempt(t, req)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// attempt is Do. It returns an error if no complete answer arrived.
func (a *API) attempt(t testing.TB, req *http.Request) (*Reply, error) {
	t.Helper()
	res, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	r := &Reply{Status: res.StatusCode, Header: res.Header, Raw: string(raw), Received: time.Now()}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == "application/json" {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&r.Body); err != nil && len(raw) > 0 {
			t.Errorf("%s says that it answers JSON, and does not: %v\n%s", req.URL.Path, err, raw)
		}
	}
	if r.Status >= 500 && r.Status != http.StatusServiceUnavailable {
		t.Errorf("%s %s: got %d, which says that the server is at fault\n%s", req.Method, req.URL.Path, r.Status, raw)
	}
	return r, nil
}

// Request returns a request for a path of the server, with a body of the given type, or without one
// if kind is "".
func (a *API) Request(t testing.TB, method, path, kind, body string) *http.Request {
	t.Helper()
	var reader io.Reader
	if kind != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, a.Server.Issuer+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req
}

const formType = "application/x-www-form-urlencoded"

// Form posts a form. prepare may change the request.
func (a *API) Form(t testing.TB, path string, form url.Values, prepare ...func(*http.Request)) *Reply {
	t.Helper()
	req := a.Request(t, http.MethodPost, path, formType, form.Encode())
	for _, f := range prepare {
		f(req)
	}
	return a.Do(t, req)
}

// As posts a form with the client's authentication.
func (a *API) As(t testing.TB, c Client, path string, form url.Values) *Reply {
	t.Helper()
	form, basic := authenticate(c, form)
	return a.Form(t, path, form, basic)
}

// authenticate adds the client's credentials, by the method that the client registered.
func authenticate(c Client, form url.Values) (url.Values, func(*http.Request)) {
	out := url.Values{}
	for k, v := range form {
		out[k] = v
	}
	switch c.Method() {
	case "none":
		out.Set("client_id", c.ID())
	case "client_secret_post":
		out.Set("client_id", c.ID())
		out.Set("client_secret", c.Secret())
	case "client_secret_basic":
		return out, Basic(c.ID(), c.Secret())
	}
	return out, func(*http.Request) {}
}

// Basic returns HTTP Basic authentication as RFC 6749 section 2.3.1 demands it: with both parts
// form-encoded.
func Basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

// Token calls the token endpoint as the client.
func (a *API) Token(t testing.TB, c Client, pairs ...string) *Reply {
	t.Helper()
	r := a.As(t, c, "/token", Values(pairs...))
	CheckToken(t, r)
	return r
}

// Values returns pairs of names and values as a form.
func Values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// Redeem redeems the code that the request led to.
func (a *API) Redeem(t testing.TB, r *Request, code string, more ...string) *Reply {
	t.Helper()
	pairs := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", r.Params.Get("redirect_uri")}
	if r.Verifier != "" {
		pairs = append(pairs, "code_verifier", r.Verifier)
	}
	return a.Token(t, r.Client, append(pairs, more...)...)
}

// Renew redeems a refresh token.
func (a *API) Renew(t testing.TB, c Client, token string, more ...string) *Reply {
	t.Helper()
	return a.Token(t, c, append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...)
}

// Userinfo requests the claims that the access token allows.
func (a *API) Userinfo(t testing.TB, access string) *Reply {
	t.Helper()
	req := a.Request(t, http.MethodGet, "/userinfo", "", "")
	req.Header.Set("Authorization", "Bearer "+access)
	return a.Do(t, req)
}

// Active reports whether introspection by the client calls the token active.
func (a *API) Active(t testing.TB, c Client, token string) bool {
	t.Helper()
	r := a.As(t, c, "/introspect", Values("token", token))
	active, ok := r.Body["active"].(bool)
	if r.Status != http.StatusOK || !ok {
		t.Fatalf("introspection: got %d %s, want 200 and whether it is active", r.Status, r.Raw)
	}
	if !active && len(r.Body) != 1 {
		t.Errorf("introspection of a dead token: got %s, want {\"active\":false} and no more", r.Raw)
	}
	return active
}

// tokenErrors are the codes that the token endpoint may return (RFC 6749 section 5.2).
var tokenErrors = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
	"invalid_scope", "temporarily_unavailable", "invalid_target", "invalid_dpop_proof", "use_dpop_nonce",
	"authorization_pending", "slow_down", "access_denied", "expired_token", // RFC 8628 section 3.5
}

// CheckToken checks what must hold for every answer of the token endpoint.
func CheckToken(t testing.TB, r *Reply) {
	t.Helper()
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		t.Errorf("token endpoint: got Content-Type %q, want application/json", r.Header.Get("Content-Type"))
	}
	if !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("token endpoint: got Cache-Control %q, want no-store", r.Header.Get("Cache-Control"))
	}
	if r.Status != http.StatusOK {
		checkTokenError(t, r)
		return
	}
	if !strings.EqualFold(r.String("token_type"), "Bearer") {
		t.Errorf("token endpoint: got token_type %q, want Bearer", r.String("token_type"))
	}
	if n, ok := r.Body["expires_in"].(json.Number); !ok || n.String() <= "0" {
		t.Errorf("token endpoint: got expires_in %v, want a number of seconds", r.Body["expires_in"])
	}
	for _, tok := range []string{r.Access(), r.Refresh()} {
		if tok != "" && entropy(tok) < 96 {
			t.Errorf("token endpoint: got token %q, which can be guessed", tok)
		}
	}
	for name := range r.Body {
		if !slices.Contains([]string{"access_token", "token_type", "expires_in", "refresh_token", "id_token", "scope"},
			name) {
			t.Errorf("token endpoint: got unexpected member %q", name)
		}
	}
}

// checkTokenError checks what must hold for every error of the token endpoint.
func checkTokenError(t testing.TB, r *Reply) {
	t.Helper()
	if !slices.Contains(tokenErrors, r.Error()) {
		t.Errorf("token endpoint: got error %q, which is not registered for it", r.Error())
	}
	if !slices.Contains([]int{400, 401, 405, 413, 415, 429, 503}, r.Status) {
		t.Errorf("token endpoint: got %d with an error, want 400 or 401", r.Status)
	}
	for name := range r.Body {
		if !slices.Contains([]string{"error", "error_description", "error_uri"}, name) {
			t.Errorf("token endpoint: got unexpected member %q in an error", name)
		}
	}
	for _, trace := range []string{"sql", "goroutine", ".go:", "pgx", "fosite", "panic"} {
		if strings.Contains(strings.ToLower(r.String("error_description")), trace) {
			t.Errorf("token endpoint: got %q, which tells of the inside", r.String("error_description"))
		}
	}
}

// Warm opens the connection, for tests whose requests are to arrive at the same time.
func (a *API) Warm(t testing.TB) {
	t.Helper()
	_ = a.Do(t, a.Request(t, http.MethodGet, "/jwks", "", ""))
}

// Try is Do for a server that may be killed meanwhile. It returns nil if no complete answer
// arrived. It may be called from any goroutine.
func (a *API) Try(t testing.TB, req *http.Request) *Reply {
	t.Helper()
	if r, err := a.attempt(t, req); err == nil {
		return r
	}
	return nil
}

// TryToken is Token for a server that may be killed meanwhile.
func (a *API) TryToken(t testing.TB, c Client, pairs ...string) *Reply {
	t.Helper()
	form, basic := authenticate(c, Values(pairs...))
	req := a.Request(t, http.MethodPost, "/token", formType, form.Encode())
	basic(req)
	return a.Try(t, req)
}

// TryRedeem is Redeem for a server that may be killed meanwhile.
func (a *API) TryRedeem(t testing.TB, r *Request, code string) *Reply {
	t.Helper()
	return a.TryToken(t, r.Client, "grant_type", "authorization_code", "code", code,
		"redirect_uri", r.Params.Get("redirect_uri"), "code_verifier", r.Verifier)
}

// TryRenew is Renew for a server that may be killed meanwhile.
func (a *API) TryRenew(t testing.TB, c Client, token string) *Reply {
	t.Helper()
	return a.TryToken(t, c, "grant_type", "refresh_token", "refresh_token", token)
}

// JSON returns a request of an app with screens of its own.
func (a *API) JSON(t testing.TB, path string, body map[string]any) *http.Request {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return a.Request(t, http.MethodPost, path, "application/json", string(text))
}
