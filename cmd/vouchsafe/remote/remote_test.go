package remote

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// server stands in for a server: it gives tokens, and answers the API as a test says.
type server struct {
	*httptest.Server
	tokens, expires int
	handler         http.HandlerFunc
}

// serve starts a server.
func serve(t *testing.T, start func(*httptest.Server), handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{expires: 300, handler: handler}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.answer))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	start(s.Server)
	t.Cleanup(s.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(w, 200, map[string]string{"issuer": s.URL, "token_endpoint": s.URL + "/token"})
	case "/token":
		if id, secret, _ := r.BasicAuth(); id != "ops" || secret != "s3cret" {
			answer(w, 401, map[string]string{"error": "invalid_client"})
			return
		}
		s.tokens++
		answer(w, 200, map[string]any{"access_token": fmt.Sprint("token", s.tokens), "expires_in": s.expires})
	default:
		s.handler(w, r)
	}
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// ops are the credentials of the client that servers know.
var ops = api.Credentials{ClientID: "ops", ClientSecret: "s3cret"}

// open returns the desk at the server. It does not wait.
func (s *server) open(t *testing.T, c api.Credentials) Desk {
	t.Helper()
	d, err := New(api.Config{Server: s.URL, Tenant: storage.DefaultTenant, Credentials: c})
	if err != nil {
		t.Fatal(err)
	}
	d.api.Pause = func(context.Context, time.Duration) error { return nil }
	return d
}

// A list longer than one page comes whole: other command lines show the first page as if it were all.
func TestListsComeWhole(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"":  `{"items":[{"id":"a"},{"id":"b"}],"next":"2"}`,
		"2": `{"items":[],"next":"3"}`, // an empty page is not the end
		"3": `{"items":[{"id":"c"}]}`,
	}
	s := serve(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, answers[r.URL.Query().Get("after")])
	})
	for after, want := range map[string]string{"": "abc", "a": "bc", "bb": "c", "c": ""} {
		got := ""
		for g, err := range s.open(t, ops).Groups(t.Context(), after) {
			if err != nil {
				t.Fatal(err)
			}
			got += g.ID
		}
		if got != want {
			t.Errorf("after %q: got %q, want %q", after, got, want)
		}
	}
	answers["3"] = `{"items":[],"next":"3"}`
	err := error(nil)
	for _, err = range s.open(t, ops).Groups(t.Context(), "") {
	}
	if err == nil || !strings.Contains(err.Error(), "doesn't go on") {
		t.Errorf("got %v, want a list that goes nowhere told", err)
	}
}

// A token that expires, or is revoked, in the middle of a run is replaced by another one.
func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	refused := ""
	s := serve(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == refused {
			answer(w, 401, api.Problem{Code: "invalid_token", Detail: "It has expired."})
			return
		}
		answer(w, 200, group{ID: "staff"})
	})
	d := s.open(t, ops)
	read := func(want int) {
		t.Helper()
		if _, err := d.Group(t.Context(), "staff"); err != nil || s.tokens != want {
			t.Fatalf("got %v with %d tokens, want %d", err, s.tokens, want)
		}
	}
	read(1)
	read(1) // it is kept
	refused = "Bearer token1"
	read(2)
	s.expires = 5 // less than it takes to be safe
	d = s.open(t, ops)
	read(3)
	read(4)
	refused = "Bearer mine"
	_, err := s.open(t, api.Credentials{Token: "mine"}).Group(t.Context(), "staff")
	if err == nil || !strings.Contains(err.Error(), "It has expired.") || strings.Contains(err.Error(), "mine") {
		t.Errorf("got %v, want the operator told that the token has expired", err)
	}
}

// What the server asks to repeat is repeated, a POST under the same Idempotency-Key.
func TestRequestsAreRepeated(t *testing.T) {
	t.Parallel()
	keys, calls := map[string]bool{}, 0
	s := serve(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
		keys[r.Header.Get("Idempotency-Key")] = true
		switch calls++; calls {
		case 1:
			w.Header().Set("Retry-After", "2")
			answer(w, 429, api.Problem{Code: "too_many_attempts"})
		case 2:
			answer(w, 503, api.Problem{Code: "temporarily_unavailable"})
		case 3: // the connection breaks before the answer comes
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Idempotency-Replayed", "true")
			answer(w, 201, map[string]string{"id": "one"})
		}
	})
	d := s.open(t, ops)
	var waited []time.Duration
	d.api.Pause = func(_ context.Context, d time.Duration) error { waited = append(waited, d); return nil }
	_, _, err := d.AddClientSecret(t.Context(), "shop")
	if err == nil || !strings.Contains(err.Error(), "remove it by its id one") {
		t.Errorf("got %v, want the operator told that the secret is lost", err)
	}
	// Package net/http sends the request again by itself when a connection breaks that was used before.
	if calls != 4 || len(keys) != 1 || len(waited) < 2 || waited[0] != 2*time.Second {
		t.Errorf("got %d calls with the keys %v after %v", calls, keys, waited)
	}
	calls = 0
	s.handler = func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Retry-After", "3600")
		answer(w, 429, api.Problem{Code: "too_many_attempts", Detail: "Later."})
	}
	if err := d.RemoveGroup(t.Context(), "staff"); err == nil || calls != 1 {
		t.Errorf("got %v after %d calls, want an hour not waited for", err, calls)
	}
}

// Errors say what was wrong and where to mend it, and none has a secret.
func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	status, text, location := 0, "", ""
	s := serve(t, (*httptest.Server).Start, func(w http.ResponseWriter, _ *http.Request) {
		if location != "" {
			w.Header().Set("Location", location)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	})
	for _, c := range []struct {
		status   int
		text     string
		location string
		with     api.Credentials
		want     string
		is       error
	}{
		{403, `{"code":"insufficient_scope","scope":"groups:read"}`, "", ops, "needs the scope groups:read", nil},
		{404, `{"code":"not_found"}`, "", ops, "", storage.ErrNotFound},
		{409, `{"code":"exists"}`, "", ops, "", storage.ErrExists},
		{409, `{"code":"last_owner"}`, "", ops, "", storage.ErrLastOwner},
		{422, `{"code":"invalid_fields","errors":[{"field":"id","message":"Too long."},{"field":"title","message":"Too odd."}]}`,
			"", ops, "id: Too long.\ntitle: Too odd.", nil},
		{500, `{"code":"server_error","instance":"urn:uuid:1"}`, "", ops, "its log has the cause under urn:uuid:1", nil},
		{404, `<html>nginx</html>`, "", ops, "does a proxy let /api/v1 through", nil},
		{200, `<html>login</html>`, "", ops, "isn't the JSON of this release", nil},
		{300, ``, "https://portal.example/login", ops, "leads elsewhere, to \"https://portal.example/login\"", nil},
		{0, ``, "", api.Credentials{ClientID: "ops", ClientSecret: "wrong"}, "doesn't know client ops with this secret", nil},
	} {
		status, text, location = c.status, c.text, c.location
		_, err := s.open(t, c.with).Group(t.Context(), "staff")
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%d %s: got %v, want %q", c.status, c.text, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "token1")) {
			t.Errorf("%v tells a secret", err)
		}
	}
	s.Close()
	if _, err := s.open(t, ops).Group(t.Context(), "staff"); err == nil || !strings.Contains(err.Error(),
		"can't be reached") {
		t.Errorf("got %v, want the server unreachable", err)
	}
}

// A certificate is verified; an authority of one's own is named, and nothing switches the check off.
func TestCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	s := serve(t, (*httptest.Server).StartTLS, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, group{}) })
	_, err := s.open(t, ops).Group(t.Context(), "staff")
	if err == nil || !strings.Contains(err.Error(), "--extra-ca-file") {
		t.Errorf("got %v, want the certificate refused", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	d, err := New(api.Config{Server: s.URL, Tenant: storage.DefaultTenant, Credentials: ops, RootCAs: roots})
	if err == nil {
		_, err = d.Group(t.Context(), "staff")
	}
	if err != nil {
		t.Error(err)
	}
}

func TestServersAndCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		server, tenant string
		with           api.Credentials
		issuer, want   string
	}{
		{"https://id.example.com", "default", ops, "https://id.example.com", ""},
		{"https://id.example.com/", "acme", ops, "https://id.example.com/t/acme", ""},
		{"https://id.example.com/t/acme", "acme", ops, "https://id.example.com/t/acme", ""},
		{"http://localhost:8080", "default", ops, "http://localhost:8080", ""},
		{"http://id.example.com", "default", ops, "", "write an https URL"},
		{"id.example.com", "default", ops, "", "write the issuer"},
		{"https://ops:s3cret@id.example.com", "default", ops, "", "write the issuer"},
		{"https://id.example.com", "default", api.Credentials{}, "", "whose doing is it"},
		{"https://id.example.com", "default", api.Credentials{ClientID: "ops"}, "", "the secret of client ops is missing"},
		{"https://id.example.com", "default", api.Credentials{ClientID: "ops", Token: "t"}, "", "unset one"},
	} {
		d, err := New(api.Config{Server: c.server, Tenant: c.tenant, Credentials: c.with})
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", c.server, err, c.want)
		case c.want == "" && d.Issuer() != c.issuer:
			t.Errorf("%s: got %s, want %s", c.server, d.Issuer(), c.issuer)
		}
	}
}

// The secret goes to the issuer alone, whatever its discovery document says.
func TestTheSecretGoesToTheIssuerAlone(t *testing.T) {
	t.Parallel()
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	issuer, endpoint := "", other.URL+"/token"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]string{"issuer": issuer, "token_endpoint": endpoint})
	}))
	defer s.Close()
	for _, says := range []string{s.URL, other.URL} {
		issuer = says
		d, err := New(api.Config{Server: s.URL, Tenant: storage.DefaultTenant, Credentials: ops})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddUser(t.Context(), importing.Row{}, false, desk.Password{}); err == nil || asked {
			t.Errorf("issuer %s: got %v, asked: %v", says, err, asked)
		}
	}
}
