package vouchsafetest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Request is an authorization request that a client makes.
type Request struct {
	Client   Client
	Params   url.Values
	Verifier string // "" without PKCE
}

// NewRequest returns an ordinary request, with PKCE, state and nonce. more are names and values, in
// turn, of parameters to set. The value "-" removes a parameter.
func NewRequest(c Client, more ...string) *Request {
	r := &Request{Client: c, Verifier: rand.Text() + rand.Text()}
	r.Params = url.Values{
		"client_id": {c.ID()}, "response_type": {"code"}, "redirect_uri": {c.RedirectURI()},
		"scope": {"openid"}, "state": {rand.Text()}, "nonce": {rand.Text()},
		"code_challenge": {Challenge(r.Verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "-" {
			r.Params.Del(more[i])
			if more[i] == "code_challenge" {
				r.Params.Del("code_challenge_method")
				r.Verifier = ""
			}
			continue
		}
		r.Params.Set(more[i], more[i+1])
	}
	return r
}

// Plain is NewRequest without PKCE, as the suites of the OpenID Foundation send requests.
func Plain(c Client, more ...string) *Request {
	return NewRequest(c, append([]string{"code_challenge", "-"}, more...)...)
}

// Challenge returns the S256 code challenge of a verifier (RFC 7636 section 4.2).
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Path returns the request as a path with a query.
func (r *Request) Path() string { return "/authorize?" + r.Params.Encode() }

// Answer is the response that the client gets, or the page at which the browser stays.
type Answer struct {
	Request *Request
	Page    *Page      // the last page
	Params  url.Values // nil if the client got no response
	Mode    string     // query, fragment or form_post
	Shown   []string   // the paths of the pages that asked the user for something
}

// Code returns the authorization code, or "".
func (a *Answer) Code() string { return a.Params.Get("code") }

// Error returns the error code, or "".
func (a *Answer) Error() string { return a.Params.Get("error") }

// Saw reports whether a page with this path asked the user for something.
func (a *Answer) Saw(path string) bool { return slices.Contains(a.Shown, path) }

// Authorize sends the request with GET, and answers the pages that follow.
func (b *Browser) Authorize(t testing.TB, r *Request) *Answer {
	t.Helper()
	return b.Walk(t, r, b.Get(t, r.Path()))
}

// Code authorizes and returns the code. It fails the test if there is none.
func (b *Browser) Code(t testing.TB, r *Request) string {
	t.Helper()
	a := b.Authorize(t, r)
	if a.Code() == "" {
		t.Fatalf("got no code, but %v at %s\n%s", a.Params, a.Page.URL.Path, a.Page.Text(t))
	}
	return a.Code()
}

// maxPages is more than an authorization may ever need.
const maxPages = 8

// Walk goes from page to page until the browser leaves for the client, or a page asks for nothing.
func (b *Browser) Walk(t testing.TB, r *Request, page *Page) *Answer {
	t.Helper()
	a := &Answer{Request: r}
	for range maxPages {
		a.Page = page
		if a.read(t, b.Server.Origin()) {
			a.check(t, b.Server.Issuer)
			return a
		}
		path := page.URL.Path
		next := b.step(t, page)
		if next == nil {
			return a
		}
		a.Shown = append(a.Shown, path)
		page = next
	}
	t.Fatalf("no end to the pages: %v", a.Shown)
	return nil
}

// step answers what the page asks for. It returns nil if the page asks for nothing.
func (b *Browser) step(t testing.TB, page *Page) *Page {
	t.Helper()
	if page.Status != 200 {
		return nil
	}
	for _, f := range page.Forms(t) {
		switch {
		case f.password() != "" || f.asksName():
			return b.SignIn(t, page, b.Person)
		case strings.HasSuffix(page.URL.Path, "/consent"):
			return b.consent(t, f)
		case strings.HasSuffix(page.URL.Path, "/select"):
			return b.Submit(t, f, firstButton(f))
		}
	}
	return nil
}

// SignIn fills in the page's form for a name, if that is what it asks for, and then the form for the password. If
// the name is refused, the page that says so is returned; if the user signed in in another tab meanwhile, the answer
// for the client.
func (b *Browser) SignIn(t testing.TB, page *Page, p Person) *Page {
	t.Helper()
	for _, f := range page.Forms(t) {
		if f.asksName() {
			f.Fields.Set("login", p.Email)
			if page = b.Submit(t, f, nil); page.Status != 200 {
				return page
			}
			break
		}
	}
	for _, f := range page.Forms(t) {
		if f.password() == "" {
			continue
		}
		if f.name() == "" {
			t.Fatalf("%s has a password field but none for a name", page.URL.Path)
		}
		f.Fields.Set(f.name(), p.Email)
		f.Fields.Set(f.password(), p.Password)
		return b.Submit(t, f, firstButton(f))
	}
	t.Fatalf("%s has no form to sign in with: %d\n%s", page.URL, page.Status, page.Text(t))
	return nil
}

// denies matches the buttons that refuse.
var denies = regexp.MustCompile(`(?i)deny|cancel|decline|refuse|don.t allow|not now|stay`)

// consent presses a button of the consent page, as b.Deny says.
func (b *Browser) consent(t testing.TB, f Form) *Page {
	t.Helper()
	for _, button := range f.Buttons {
		if denies.MatchString(button.Name+" "+button.Value+" "+button.Text) == b.Deny {
			return b.Submit(t, f, &button)
		}
	}
	t.Fatalf("the consent page has no such button among %+v", f.Buttons)
	return nil
}

// ConfirmSignOut presses the button of the page that asks whether to sign out.
func (b *Browser) ConfirmSignOut(t testing.TB, page *Page) *Page {
	t.Helper()
	for _, f := range page.Forms(t) {
		for _, button := range f.Buttons {
			if !denies.MatchString(button.Name + " " + button.Value + " " + button.Text) {
				return b.Submit(t, f, &button)
			}
		}
	}
	t.Fatalf("%s does not ask whether to sign out: %d %s", page.URL.Path, page.Status, page.Text(t))
	return nil
}

func firstButton(f Form) *Button {
	if len(f.Buttons) == 0 {
		return nil
	}
	return &f.Buttons[0]
}

// read reads the response to the client from the page, and reports whether there is one.
func (a *Answer) read(t testing.TB, origin string) bool {
	t.Helper()
	if left := a.Page.Left; left != nil {
		a.Mode, a.Params = "query", left.Query()
		if left.Fragment != "" {
			a.Mode = "fragment"
			var err error
			if a.Params, err = url.ParseQuery(left.EscapedFragment()); err != nil {
				t.Fatalf("the fragment of the answer: %v", err)
			}
		}
		// Parameters that the client registered as part of the redirect URI do not belong to the
		// response.
		if registered, err := url.Parse(a.Request.Params.Get("redirect_uri")); err == nil && a.Mode == "query" {
			for k := range registered.Query() {
				a.Params.Del(k)
			}
		}
		if signed := a.Params.Get("response"); signed != "" {
			a.Params = signedParams(t, signed)
		}
		return true
	}
	if a.Page.Status != 200 || !strings.Contains(a.Page.Header.Get("Content-Type"), "html") {
		return false
	}
	for _, f := range a.Page.Forms(t) {
		if !strings.HasPrefix(f.Action, origin+"/") && f.Method == "POST" {
			a.Mode, a.Params = "form_post", f.Fields
			return true
		}
	}
	return false
}

// signedParams returns what a signed response says to the client, which verifies it (JARM).
func signedParams(t testing.TB, response string) url.Values {
	t.Helper()
	var said map[string]any
	parts := strings.Split(response, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(raw, &said)
	}
	if err != nil {
		t.Fatalf("the response %s: %v", response, err)
	}
	params := url.Values{}
	for name, v := range said {
		if text, ok := v.(string); ok && name != "aud" {
			params.Set(name, text)
		}
	}
	return params
}

// authorizeErrors are the codes that the client may get (RFC 6749 section 4.1.2.1, OpenID Connect
// Core sections 3.1.2.6 and 6, RFC 9101).
var authorizeErrors = []string{
	"invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
	"server_error", "temporarily_unavailable", "interaction_required", "login_required",
	"account_selection_required", "consent_required", "invalid_request_uri", "invalid_request_object",
	"request_not_supported", "request_uri_not_supported", "registration_not_supported",
	"unmet_authentication_requirements",
}

// check checks what must hold for every response to a client.
func (a *Answer) check(t testing.TB, issuer string) {
	t.Helper()
	allowed := []string{"code", "state", "iss"}
	if a.Error() != "" {
		allowed = []string{"error", "error_description", "error_uri", "state", "iss"}
		if !slices.Contains(authorizeErrors, a.Error()) {
			t.Errorf("got error %q, which is not registered", a.Error())
		}
		for _, c := range a.Params.Get("error_description") {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				t.Errorf("got error_description %q, with a character that RFC 6749 forbids", a.Params.Get("error_description"))
				break
			}
		}
	} else if code := a.Code(); len(code) < 22 || entropy(code) < 96 {
		t.Errorf("got code %q, which can be guessed", code)
	}
	for name, values := range a.Params {
		if !slices.Contains(allowed, name) || len(values) != 1 {
			t.Errorf("got parameter %s=%q in the answer, want only %v, each once", name, values, allowed)
		}
	}
	if got := a.Params.Get("iss"); got != issuer {
		t.Errorf("got iss %q in the answer, want %q (RFC 9207)", got, issuer)
	}
	if want := a.Request.Params["state"]; len(want) < 2 && a.Params.Get("state") != a.Request.Params.Get("state") {
		t.Errorf("got state %q, want %q", a.Params.Get("state"), a.Request.Params.Get("state"))
	}
	if got := a.Page.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
		t.Errorf("got Cache-Control %q on an answer to a client, want no-store", got)
	}
}

// Clone returns the same request with a new state, nonce and verifier.
func (r *Request) Clone(more ...string) *Request {
	out := NewRequest(r.Client)
	params := maps.Clone(r.Params)
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if params.Has(name) {
			params[name] = out.Params[name]
		}
	}
	if !params.Has("code_challenge") {
		out.Verifier = ""
	}
	out.Params = params
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "-" {
			out.Params.Del(more[i])
		} else {
			out.Params.Set(more[i], more[i+1])
		}
	}
	return out
}
