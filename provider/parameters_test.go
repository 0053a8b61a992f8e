package provider

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Parameters without a value are as if they were left out, and those that are not
// understood are passed over (RFC 6749 section 3.1), whatever they are called.
func TestParametersWithoutAValueAreLeftOut(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.signsIn(a.user)
	for _, name := range []string{
		"request", "request_uri", "registration", "prompt", "max_age", "claims", "acr_values", "id_token_hint", "login_hint",
		"display", "ui_locales",
		"nonce", "response_mode", "resource", "state", "i", "cancel", "code", "error", "iss", "l", "r", "unheard_of",
	} {
		if page, params := a.asks(name, ""); params.Get("code") == "" || params.Has("state") {
			t.Errorf("%s without a value: got page %q and %v, want a code", name, page, params)
		}
	}
	for name, value := range map[string]string{"i": "1", "cancel": "1", "l": "en", "r": "/x", "form": "x",
		"next": "/account", "late": "1", "token": "x"} {
		if page, params := a.asks(name, value); params.Get("code") == "" {
			t.Errorf("%s=%s: got page %q and %v, want a code", name, value, page, params)
		}
	}
	// What is demanded is missing then, and what has a value is looked at.
	for name, want := range map[string]string{"response_type": "invalid_request", "code_challenge": "invalid_request",
		"code_challenge_method": "invalid_request"} {
		if _, params := a.asks(name, ""); params.Get("error") != want {
			t.Errorf("no %s: got %v, want %s", name, params, want)
		}
	}
	for name, want := range map[string]string{"request": "request_not_supported",
		"request_uri": "request_uri_not_supported", "registration": "registration_not_supported"} {
		if _, params := a.asks(name, "x"); params.Get("error") != want {
			t.Errorf("%s: got %v, want %s", name, params, want)
		}
	}
	// Twice is twice.
	q := values("client_id", a.client.ClientID, "redirect_uri", testRedirect, "response_type", "code", "scope", "openid",
		"nonce", "", "nonce", "x",
		"code_challenge", s256(testVerifier), "code_challenge_method", "S256")
	if _, params := a.goesTo(a.visit("/authorize?" + q.Encode())); params.Get("error") != "invalid_request" {
		t.Errorf("nonce twice: got %v", params)
	}
}

func TestUserinfoPassesOverEmptyTokens(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	token := s.tokens(s.client()).str("access_token")
	for name, r := range map[string]*http.Request{
		"in the form": request("POST", "/userinfo", "access_token=", formType, bearer(token)),
		"in the URL":  request("GET", "/userinfo?access_token=", "", bearer(token)),
	} {
		if a := s.do(r); a.status != http.StatusOK || a.str("sub") != s.user.ID {
			t.Errorf("%s: got %d %s", name, a.status, a.raw)
		}
	}
	if resp := s.raw(request("POST", "/userinfo", "access_token=",
		formType)); resp.StatusCode != http.StatusUnauthorized ||
		strings.Contains(resp.Header.Get("WWW-Authenticate"), "error") {
		t.Errorf("an empty one alone: got %d %q, want to be asked for one", resp.StatusCode,
			resp.Header.Get("WWW-Authenticate"))
	}
}

// object is a request object with that payload.
func object(payload string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc([]byte(payload)) + "."
}

// A request object is refused as it wants to be answered: by its response mode and with
// its state, none of which is believed beyond that.
func TestRequestObjectsAreRefusedAsTheyAsk(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.signsIn(a.user)
	big := strings.Repeat("x", 4<<10)
	for name, c := range map[string]struct {
		object, mode, state string
		outer               []string
	}{
		"both inside": {object(`{"state":"in","response_mode":"form_post"}`), "form_post", "in", nil},
		"both inside and outside": {object(`{"state":"in","response_mode":"form_post"}`), "form_post", "in",
			[]string{"state", "out", "response_mode", "fragment"}},
		"the state inside":    {object(`{"state":"in"}`), "fragment", "in", []string{"response_mode", "fragment"}},
		"the mode inside":     {object(`{"response_mode":"form_post"}`), "form_post", "out", []string{"state", "out"}},
		"without a signature": {strings.TrimSuffix(object(`{"state":"in"}`), ".") + ".c2ln", "query", "in", nil},
		"an unknown mode":     {object(`{"state":"in","response_mode":"web_message"}`), "query", "in", nil},
		"another type":        {object(`{"state":["in"],"response_mode":7}`), "query", "out", []string{"state", "out"}},
		"redirect and client": {object(`{"state":"in","redirect_uri":"https://evil.example/","client_id":"other",` +
			`"response_type":"token"}`), "query", "in", nil},
		"no JSON": {"e30." + base64.RawURLEncoding.EncodeToString([]byte("x")) + ".", "query", "out",
			[]string{"state", "out"}},
		"null":      {object(`null`), "query", "out", []string{"state", "out"}},
		"no JWT":    {"x", "query", "out", []string{"state", "out"}},
		"encrypted": {"a.b.c.d.e", "query", "out", []string{"state", "out"}},
		"too long":  {object(`{"state":"in","x":"` + big + `"}`), "query", "out", []string{"state", "out"}},
		"HTML": {object(`{"state":"\"><script>alert(1)</script>","response_mode":"form_post"}`), "form_post",
			`"><script>alert(1)</script>`, nil},
	} {
		q := values("client_id", a.client.ClientID, "redirect_uri", testRedirect, "scope", "openid", "request", c.object)
		for n, v := range values(c.outer...) {
			q[n] = v
		}
		r := request("GET", "/authorize?"+q.Encode(), "")
		a.bring(r)
		resp := a.raw(r)
		mode, params := answered(t, resp)
		if mode != c.mode || params.Get("error") != "request_not_supported" || params.Get("state") != c.state ||
			params.Get("iss") != testIssuer {
			t.Errorf("%s: got %v by %q, want request_not_supported by %s with state %q", name, params, mode, c.mode, c.state)
		}
	}
	// Where to answer is never read from one.
	r := request("GET", "/authorize?"+values("client_id", a.client.ClientID, "request",
		object(`{"redirect_uri":"`+testRedirect+`","state":"in"}`)).Encode(), "")
	if resp := a.raw(r); resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" {
		t.Errorf("no redirect_uri beside it: got %d to %q, want an error page", resp.StatusCode, resp.Header.Get("Location"))
	}
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// answered is how an answer reaches the client, and what it says.
func answered(t *testing.T, resp *http.Response) (mode string, params url.Values) {
	t.Helper()
	if to := resp.Header.Get("Location"); to != "" {
		u, err := url.Parse(to)
		if err != nil || !strings.HasPrefix(to, testRedirect) {
			t.Fatalf("sent to %q", to)
		}
		if u.Fragment != "" {
			params, err = url.ParseQuery(u.EscapedFragment())
			if err != nil {
				t.Fatal(err)
			}
			return "fragment", params
		}
		return "query", u.Query()
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	params = url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(page, -1) {
		params.Add(m[1], html.UnescapeString(m[2]))
	}
	if strings.Contains(page, "<script>alert") || !strings.Contains(page, `action="`+testRedirect+`"`) {
		t.Errorf("got %s", page)
	}
	return "form_post", params
}

// Parameters of a client's own do not collide with the letters that our addresses use.
func TestSigningOutPassesOverUnknownParameters(t *testing.T) {
	t.Parallel()
	for _, more := range [][]string{{"l", "en"}, {"r", "/x"}, {"i", "1"}, {"l", ""}, {"r", ""}, {"id_token_hint", ""},
		{"client_id", ""}, {"post_logout_redirect_uri", ""}, {"state", ""}, {"logout_hint", "jo"}} {
		v, c := startLogout(t)
		to, status := v.logout(append([]string{"id_token_hint", v.tokens(c).str("id_token"), "post_logout_redirect_uri",
			afterLogout}, more...)...)
		switch more[0] {
		case "id_token_hint", "post_logout_redirect_uri": // twice: it is not known what is meant
			letter := v.asked(to, status)
			to, status = v.confirms(letter)
			v.sent(signedOut, to, status)
		default:
			v.sent(afterLogout, to, status)
		}
	}
	v, _ := startLogout(t)
	to, status := v.logout("id_token_hint", "", "client_id", "", "post_logout_redirect_uri", "", "state", "")
	v.asked(to, status)
}
