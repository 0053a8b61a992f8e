package keratin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// appServer is the app's server, with a library of Keratin AuthN. This sends what they send: forms, and Basic.
type appServer struct {
	t    *testing.T
	base string
}

// call sends a request, and reads the result of an answer that succeeds into result, which may be nil.
func (s appServer) call(method, path string, form url.Values, result any) (status int, body string) {
	s.t.Helper()
	base, err := url.Parse(s.base)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, base.ResolveReference(&url.URL{Path: path}).String(),
		strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth("app", "the app's server")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if result != nil {
		if err := json.Unmarshal(text, result); err != nil {
			s.t.Fatalf("%s %s: got %d %s", method, path, res.StatusCode, text)
		}
	}
	return res.StatusCode, string(text)
}

// TestServerLibrariesOfGoAndRuby makes the calls of authn-go and authn-rb: keys, accounts, imports and statistics.
func TestServerLibrariesOfGoAndRuby(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := appServer{t, w.private + "/"}
	_, claims := w.signedUp(newName())

	// Tokens are verified with the keys that the public URL names, found by kid.
	var described struct {
		Issuer string
		Jwks   string `json:"jwks_uri"`
	}
	public := appServer{t, w.at + "/"}
	public.call("GET", "configuration", nil, &described)
	if described.Issuer != w.at || described.Jwks != w.at+"/jwks" {
		t.Errorf("got %+v", described)
	}
	for _, at := range []appServer{s, public} {
		var keys struct{ Keys []map[string]any }
		at.call("GET", "jwks", nil, &keys)
		if len(keys.Keys) == 0 || keys.Keys[0]["kty"] != "RSA" || keys.Keys[0]["kid"] == "" {
			t.Errorf("got keys %v", keys.Keys)
		}
	}

	// Account is what authn-go reads; authn-rb reads the same members.
	type account struct {
		ID              int    `json:"id"`
		Username        string `json:"username"`
		Locked          bool   `json:"locked"`
		Deleted         bool   `json:"deleted"`
		LastLoginAt     string `json:"last_login_at"`
		PasswordChanged string `json:"password_changed_at"`
	}
	get := func(id string) (got account) {
		t.Helper()
		var answer struct{ Result account }
		s.call("GET", "accounts/"+id, nil, &answer)
		return answer.Result
	}
	id := claims.number()
	if got := get(id); fmt.Sprint(got.ID) != id || got.Locked || got.Deleted || got.LastLoginAt == "" {
		t.Errorf("got %+v", got)
	}
	does := func(method, path string, form url.Values) {
		t.Helper()
		if status, body := s.call(method, path, form, nil); status != 200 {
			t.Errorf("%s %s: got %d %s", method, path, status, body)
		}
	}
	name := newName()
	does("PATCH", "accounts/"+id, url.Values{"username": {name}})
	does("PATCH", "accounts/"+id+"/lock", nil)
	if got := get(id); !got.Locked || got.Username != name {
		t.Errorf("got %+v after a lock", got)
	}
	does("PATCH", "accounts/"+id+"/unlock", url.Values{})
	does("PATCH", "accounts/"+id+"/expire_password", nil)
	does("DELETE", "accounts/"+id, nil)
	if got := get(id); !got.Deleted || got.Username != "" {
		t.Errorf("got %+v of an archived account", got)
	}

	var added struct{ Result struct{ ID int } }
	form := url.Values{"username": {newName()}, "password": {"from before"}, "locked": {"true"}}
	if s.call("POST", "accounts/import", form, &added); added.Result.ID != 2 || !get("2").Locked {
		t.Errorf("got %+v", added)
	}
	var refused struct {
		Errors []struct{ Field, Message string }
	}
	if status, _ := s.call("POST", "accounts/import", form, &refused); status != 422 || len(refused.Errors) != 1 ||
		refused.Errors[0].Field != "username" || refused.Errors[0].Message != "TAKEN" {
		t.Errorf("got %d %+v for a name that is taken", status, refused)
	}
	status, _ := s.call("GET", "accounts/99", nil, &refused)
	if status != 404 || refused.Errors[0].Message != "NOT_FOUND" {
		t.Errorf("got %d %+v for no account", status, refused)
	}
	var stats struct{ Actives map[string]map[string]int }
	if s.call("GET", "stats", nil, &stats); len(stats.Actives) != 3 {
		t.Errorf("got %+v", stats)
	}
	if status, body := s.call("GET", "metrics", nil, nil); status != 200 ||
		!strings.Contains(body, "http_requests_total") {
		t.Errorf("got %d for metrics", status)
	}
}

// TestGoLibrary runs the server of an app with the library authn-go, as its author publishes it: it verifies a token,
// and manages accounts.
func TestGoLibrary(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	_, claims := w.signedUp(name)
	const module = "../../e2e/clients/go"
	for _, file := range []string{"go.mod", "go.sum", "keratin/main.go"} { // so that go test notices when they change
		if _, err := os.Stat(filepath.Join(module, file)); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(t.TempDir(), "app")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./keratin")
	build.Dir = module
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	app := exec.CommandContext(t.Context(), program)
	app.Env = append(os.Environ(), "TOKEN="+claims.text, "NAME="+name, "ISSUER="+w.at, "PRIVATE="+w.private,
		"AUTHN_USER=app", "AUTHN_PASSWORD=the app's server")
	if said, err := app.CombinedOutput(); err != nil || string(said) != `{"imported":2,"subject":"1"}`+"\n" {
		t.Errorf("authn-go: %v: %s", err, said)
	}
}

// TestRubyLibrary has Ruby make the requests of authn-rb, with the HTTP library that it uses, and read the answers as
// it does: it verifies a token, and manages accounts. The gem isn't among the packages of our tests.
func TestRubyLibrary(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, claims := w.signedUp(newName())
	app := exec.CommandContext(t.Context(), "ruby", "testdata/authn.rb")
	app.Env = append(os.Environ(), "TOKEN="+claims.text, "AUDIENCE="+claims.Aud[0], "NAME="+newName(),
		"ISSUER="+w.at, "PRIVATE="+w.private, "AUTHN_USER=app", "AUTHN_PASSWORD=the app's server")
	const want = `{"subject":"1","taken":"username TAKEN","missing":"username FORMAT_INVALID","imported":2,` +
		`"none":"account NOT_FOUND"}`
	if said, err := app.CombinedOutput(); err != nil || strings.TrimSpace(string(said)) != want {
		t.Errorf("got %v: %s, want %s", err, said, want)
	}
}
