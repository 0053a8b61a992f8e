package threats

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

var web = vouchsafetest.Web

func authorizeRows() []row {
	return []row{
		{"A1 unknown client", a1},
		{"A2 response type", a2},
		{"A3 repeated parameters", a3},
		{"A4 scope", a4},
		{"A5 prompt", a5},
		{"A6 max_age", a6},
		{"A7 id_token_hint", a7},
		{"A8 request objects", a8},
		{"A9 odd values", a9},
		{"A18 mix-up", a18},
	}
}

func a1(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	for _, id := range []string{"unknown", "-", "", "WEB", "web ", `<script>alert(1)</script>`, "web\x00",
		strings.Repeat("w", 4000), vouchsafetest.Disabled.ID()} {
		a := b.Authorize(t, vouchsafetest.NewRequest(web, "client_id", id))
		wantPage(t, a, 400)
		if strings.Contains(a.Page.Body, "<script>alert") {
			t.Errorf("client_id %q came back unescaped", id)
		}
	}
}

func a2(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	for _, v := range []string{"-", "", "token", "id_token", "code token", "code id_token", "id_token token", "none",
		"CODE", "code code", "bogus"} {
		a := b.Authorize(t, vouchsafetest.NewRequest(web, "response_type", v))
		wantError(t, a, "unsupported_response_type", "invalid_request", "unauthorized_client")
		if a.Params.Has("access_token") || a.Params.Has("id_token") {
			t.Errorf("response_type %q: a token came back through the browser", v)
		}
	}
	for _, v := range []string{"bogus", "bogus.jwt", ".jwt", "FRAGMENT", "web_message", "query fragment"} {
		wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "response_mode", v)), "invalid_request",
			"unsupported_response_mode")
	}
	// A request that is under way cannot be changed into another one (Keycloak CVE-2026-7571).
	page := b.Get(t, vouchsafetest.NewRequest(web).Path())
	letter := page.URL.Query().Get("i")
	for _, path := range []string{"/authorize", "/login"} {
		page = b.Get(t, path+"?"+url.Values{"i": {letter}, "response_type": {"token"}, "response_mode": {"fragment"},
			"redirect_uri": {"https://evil.example/"}}.Encode())
		if page.Left != nil {
			t.Errorf("%s with more parameters sent the browser to %s", path, page.Left)
		}
	}
	r := vouchsafetest.NewRequest(web)
	a := b.Walk(t, r, b.Get(t, "/authorize?response_type=token&"+r.Params.Encode()))
	if a.Code() != "" || a.Params.Has("access_token") {
		t.Errorf("two response types: got %v", a.Params)
	}
}

func a3(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	twice := func(name, second string) *vouchsafetest.Answer {
		r := vouchsafetest.NewRequest(web, "prompt", "login", "display", "page")
		r.Params.Add(name, second)
		return b.Authorize(t, r)
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		wantPage(t, twice(name, web.RedirectURI()), 400)
	}
	wantPage(t, twice("client_id", web.ID()), 400)
	for _, name := range []string{"state", "scope", "nonce", "response_type", "code_challenge",
		"code_challenge_method", "prompt"} {
		a := twice(name, "x")
		if a.Error() != "invalid_request" && (a.Params != nil || a.Page.Status != 400) {
			t.Errorf("%s twice: got %v at %s, want invalid_request", name, a.Params, a.Page.URL.Path)
		}
	}
}

func a4(t *testing.T, s *vouchsafetest.Server) {
	for _, scope := range []string{"openid reports:read", "openid admin", "openid *", "openid email profile"} {
		c := vouchsafetest.CodeOnly // openid and email
		r := vouchsafetest.NewRequest(c, "scope", scope)
		a := jo(t, s).Authorize(t, r)
		if a.Error() == "invalid_scope" {
			continue
		}
		reply := s.API(t).Redeem(t, r, a.Code()).Want(t, 200, "")
		granted := s.API(t).AccessToken(t, c, reply.Access()).String("scope")
		for _, g := range strings.Fields(granted) {
			if g != "openid" && g != "email" {
				t.Errorf("asked for %q: got scope %q, which the client may not have", scope, granted)
			}
		}
		if reply.String("scope") != granted {
			t.Errorf("asked for %q: got scope %q in the answer, and %q in the token", scope, reply.String("scope"), granted)
		}
	}
	// The claims parameter does not lead around the client's scopes either.
	r := vouchsafetest.NewRequest(vouchsafetest.CodeOnly, "scope", "openid", "claims",
		`{"id_token":{"phone_number":null,"email":null},"userinfo":{"phone_number":null,`+
			`"name":{"essential":true},"email":null}}`)
	reply := s.API(t).Redeem(t, r, jo(t, s).Authorize(t, r).Code()).Want(t, 200, "")
	for from, claims := range map[string]map[string]any{"ID token": s.API(t).Verify(t, reply.ID()).Claims,
		"user info": s.API(t).Userinfo(t, reply.Access()).Body} {
		if claims["phone_number"] != nil || claims["name"] != nil || claims["email"] == nil {
			t.Errorf("%s: got %v, want email, and neither name nor phone number", from, claims)
		}
	}
	// A client of another company does not get offline access without consent.
	a := jo(t, s).Authorize(t, vouchsafetest.NewRequest(vouchsafetest.Third, "scope", "openid offline_access", "prompt",
		"consent"))
	if !a.Saw("/consent") {
		t.Errorf("got pages %v for offline_access, want the consent page", a.Shown)
	}
	api := s.API(t)
	for _, scope := range []string{"admin", "reports:read admin", "openid", "offline_access", "*"} {
		reply := api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials", "scope", scope)
		if reply.Status == 200 && reply.String("scope") != "reports:read" || reply.Status != 200 &&
			reply.Error() != "invalid_scope" {
			t.Errorf("client credentials with scope %q: got %d %s", scope, reply.Status, reply.Raw)
		}
	}
}

func a5(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")), "login_required")
	for _, prompt := range []string{"none login", "login none", "none consent", "bogus", "none bogus", "LOGIN"} {
		wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", prompt)), "invalid_request")
	}
	b = s.Browser(t, s.Person(t)) // of a user who has not met the client
	tokens(t, s, b, vouchsafetest.NewRequest(web))
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(vouchsafetest.Third, "prompt", "none")),
		"consent_required", "interaction_required")
}

func a6(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	tokens(t, s, b, vouchsafetest.NewRequest(web))
	for _, v := range []string{"-1", "x", "1e30", "1.5", " 1", "0x10"} {
		wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "max_age", v)), "invalid_request")
	}
	for _, v := range []string{"9223372036854775807", "99999999999999999999"} {
		a := b.Authorize(t, vouchsafetest.NewRequest(web, "max_age", v))
		if a.Error() != "invalid_request" && (a.Code() == "" || len(a.Shown) > 0) {
			t.Errorf("max_age %s: got %v after %v, want a code at once or invalid_request", v, a.Params, a.Shown)
		}
	}
	r := vouchsafetest.NewRequest(web, "max_age", "0")
	a := b.Authorize(t, r)
	if !a.Saw("/login") {
		t.Errorf("max_age=0: got pages %v, want the sign-in page", a.Shown)
	}
	// A refresh does not make the sign-in more recent.
	api := s.API(t)
	first := api.Redeem(t, r, a.Code()).Want(t, 200, "")
	time.Sleep(1100 * time.Millisecond)
	second := api.Renew(t, web, first.Refresh()).Want(t, 200, "")
	if was, is := api.Verify(t, first.ID()).Int("auth_time"),
		api.Verify(t, second.ID()).Int("auth_time"); was != is || was == 0 {
		t.Errorf("got auth_time %d, and %d after a refresh", was, is)
	}
}

func a7(t *testing.T, s *vouchsafetest.Server) {
	b, other := jo(t, s), s.Browser(t, s.Person(t))
	own := tokens(t, s, b, vouchsafetest.NewRequest(web)).ID()
	foreign := tokens(t, s, other, vouchsafetest.NewRequest(web)).ID()
	sub := s.API(t).Verify(t, own).String("sub")
	parts := strings.Split(own, ".")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	for name, hint := range map[string]string{
		"another person's": foreign,
		"alg none":         unsigned,
		"a foreign key":    parts[0] + "." + parts[1] + "." + strings.Split(foreign, ".")[2],
		"no JWT":           "hint",
		"huge":             strings.Repeat("a.", 3000),
	} {
		a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none", "id_token_hint", hint))
		if a.Error() != "login_required" && a.Error() != "invalid_request" {
			t.Errorf("%s hint: got %v at %s, want login_required", name, a.Params, a.Page.URL.Path)
		}
	}
	// Without prompt=none the user that the client means has to sign in, and no other one.
	a := b.Authorize(t, vouchsafetest.NewRequest(web, "id_token_hint", foreign))
	if a.Code() != "" {
		t.Error("a hint for one person gave a code for another")
	}
	r := vouchsafetest.NewRequest(web, "prompt", "none", "id_token_hint", own)
	if got := s.API(t).Verify(t, tokens(t, s, b, r).ID()).String("sub"); got != sub {
		t.Errorf("got sub %s, want %s: hints must not change who is signed in", got, sub)
	}
}

func a8(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	canary := listen(t)
	enc := base64.RawURLEncoding.EncodeToString
	object := enc([]byte(`{"alg":"none"}`)) + "." +
		enc([]byte(`{"client_id":"other","redirect_uri":"https://evil.example/"}`)) + "."
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "request", object)), "request_not_supported")
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "request_uri", canary.URL)), "request_uri_not_supported")
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "request", object, "request_uri", canary.URL)),
		"request_not_supported", "request_uri_not_supported", "invalid_request")
	wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, "registration",
		`{"redirect_uris":["https://evil.example/"]}`)), "registration_not_supported")
	if n := canary.hits.Load(); n != 0 {
		t.Errorf("request_uri was fetched %d times", n)
	}
}

func a9(t *testing.T, s *vouchsafetest.Server) {
	odd := map[string]string{
		"CR and LF": "a\r\nSet-Cookie: evil=1", "NUL": "a\x00b", "no UTF-8": "a\xff\xfe",
		"HTML":   `"><script>alert(1)</script>`,
		"a path": "../../../../etc/passwd", "long": strings.Repeat("s", 20000), "medium": strings.Repeat("s", 2000),
		"emoji": "🙂", "ANSI": "\x1b[31m", "per cent": "%00%0d%0a", "spaces": "  a  ",
	}
	for name, v := range odd {
		for _, parameter := range []string{"state", "nonce", "login_hint", "ui_locales"} {
			b := jo(t, s)
			a := b.Authorize(t, vouchsafetest.NewRequest(web, parameter, v))
			switch {
			case a.Code() != "": // Walk saw that the state is unchanged
			case a.Params == nil && a.Page.Status >= 400 && a.Page.Status < 500:
			case a.Error() == "invalid_request":
			default:
				t.Errorf("%s in %s: got %v at %s (%d)", name, parameter, a.Params, a.Page.URL.Path, a.Page.Status)
			}
			for _, hop := range a.Page.Trail {
				for _, c := range hop.Header.Values("Set-Cookie") {
					if strings.HasPrefix(c, "evil") {
						t.Errorf("%s in %s: a header was split", name, parameter)
					}
				}
			}
		}
	}
}

func a18(t *testing.T, s *vouchsafetest.Server) {
	// Walk compares iss in each answer; here are one of each kind.
	b := jo(t, s)
	if a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none")); a.Params.Get("iss") != s.Issuer {
		t.Errorf("error: got iss %q, want %q", a.Params.Get("iss"), s.Issuer)
	}
	for _, mode := range []string{"query", "form_post"} {
		if a := b.Authorize(t, vouchsafetest.NewRequest(web, "response_mode", mode)); a.Mode != mode ||
			a.Params.Get("iss") != s.Issuer {
			t.Errorf("%s: got iss %q by %s, want %q", mode, a.Params.Get("iss"), a.Mode, s.Issuer)
		}
	}
}
