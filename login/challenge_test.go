package login

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/internal/prooftest"
	"github.com/vouchsafe/vouchsafe/login/api"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk.~x"

// asksCode is an authorization challenge request of the public client, changed by pairs;
// "" takes a parameter away.
func asksCode(pairs ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	form := url.Values{
		"client_id": {"mobile"}, "response_type": {"code"}, "scope": {"openid email"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		if form.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

// form posts a form to an endpoint of the protocol.
func (a *apiSite) form(path string, form url.Values, headers ...string) said {
	a.t.Helper()
	req := a.request(http.MethodPost, path, form.Encode(),
		append([]string{"Content-Type: application/x-www-form-urlencoded"}, headers...)...)
	resp, err := a.client.Do(req)
	must(a.t, err)
	defer resp.Body.Close()
	out := said{status: resp.StatusCode, header: resp.Header, fields: fields{}}
	if err := json.NewDecoder(resp.Body).Decode(&out.fields); err != nil {
		a.t.Fatalf("%s: got %d, want JSON: %v", path, out.status, err)
	}
	b, _ := json.Marshal(out.fields)
	out.raw = string(b)
	for _, r := range out.str("error") + out.str("error_description") {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			a.t.Errorf("%s: %q is in an error", path, r)
		}
	}
	if code := out.str("error"); path == api.ChallengePath && code != "" &&
		(!slices.Contains(api.ChallengeCodes()[code], out.status) &&
			!(out.status == 400 && slices.Contains(api.ChallengeCodes()[code], 422))) {
		a.t.Errorf("%s: the reference does not have the code %s with %d", path, code, out.status)
	}
	documentedFaults(a.t, out)
	if out.header.Get("Cache-Control") != "no-store" || out.header.Get("Content-Type") != "application/json" {
		a.t.Errorf("%s: got %v", path, out.header)
	}
	return out
}

func (a *apiSite) asks(pairs ...string) said {
	a.t.Helper()
	return a.form(api.ChallengePath, asksCode(pairs...))
}

// goesOn asks with what came before, and what is added alone.
func (a *apiSite) goesOn(before said, pairs ...string) said {
	a.t.Helper()
	form := url.Values{"client_id": {"mobile"}, "auth_session": {before.str("auth_session")}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return a.form(api.ChallengePath, form)
}

func (a *apiSite) errs(got said, status int, code string) said {
	a.t.Helper()
	if got.status != status || got.str("error") != code || got.str("authorization_code") != "" {
		a.t.Errorf("got %d %s, want %d %s", got.status, got.raw, status, code)
	}
	return got
}

// redeems exchanges the code at /token.
func (a *apiSite) redeems(got said) said {
	a.t.Helper()
	if got.status != 200 || got.str("authorization_code") == "" || got.str("auth_session") == "" {
		a.t.Fatalf("got %d %s, want a code", got.status, got.raw)
	}
	tokens := a.form("/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {"mobile"},
		"code": {got.str("authorization_code")}, "code_verifier": {verifier}})
	if tokens.status != 200 || tokens.str("scope") != "openid email" {
		a.t.Fatalf("tokens: got %d %s", tokens.status, tokens.raw)
	}
	return tokens
}

func methodsOf(got said) (all []string) {
	list, _ := got.fields["methods"].([]any)
	for _, m := range list {
		all = append(all, m.(string))
	}
	return all
}

func TestACodeWithoutABrowserByPassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	if status, who := a.userinfo(a.redeems(a.asks("login", "jo", "password", right)).str("access_token")); status != 200 ||
		who["sub"] != jo.ID {
		t.Errorf("got %d %v", status, who)
	}
	// In two steps; what was asked for stays.
	first := a.errs(a.asks(), 403, "insufficient_authorization")
	if got := methodsOf(first); !slices.Equal(got, []string{"password", "passkey"}) {
		t.Errorf("methods: %q", got)
	}
	a.redeems(a.goesOn(first, "login", "jo", "password", right))
	a.redeems(a.form(api.ChallengePath,
		url.Values{"auth_session": {first.str("auth_session")}, "login": {"jo"}, "password": {right}}))
	a.errs(a.goesOn(first, "login", "jo", "password", right, "scope", "openid api"), 400, "invalid_request")
	a.errs(a.goesOn(first, "login", "jo", "password", "wrong battery horse"), 400, "wrong_credentials")
	a.errs(a.goesOn(first, "login", "jo"), 400, "invalid_fields")
}

func TestACodeWithoutABrowserByTwoFactors(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.enrolled("jo@example.com")
	device := passkeytest.New(t, a.url)
	a.passkey(jo.user, device)
	first := a.errs(a.asks("login", "jo@example.com", "password", right), 403, "insufficient_authorization")
	if got := methodsOf(first); !slices.Equal(got, []string{"otp", "recovery_code", "passkey"}) {
		t.Errorf("methods: %q", got)
	}
	a.errs(a.goesOn(first, "otp", jo.wrong()), 400, "invalid_fields")
	a.redeems(a.goesOn(first, "otp", jo.shows()))
	a.errs(a.goesOn(first, "recovery_code", jo.codes[0]), 400, "invalid_session")

	second := a.errs(a.asks("login", "jo@example.com", "password", right), 403, "insufficient_authorization")
	a.redeems(a.goesOn(second, "passkey", a.answers(second, device)))
}

// answers is the device's answer to the options that came.
func (a *apiSite) answers(got said, device *passkeytest.Key) string {
	a.t.Helper()
	asked, _ := got.fields["passkey"].(map[string]any)
	options, err := json.Marshal(asked["options"])
	must(a.t, err)
	answer, err := json.Marshal(map[string]any{"state": asked["state"],
		"credential": json.RawMessage(device.SignIn(a.t, options))})
	must(a.t, err)
	return string(answer)
}

func TestACodeWithoutABrowserByPasskey(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	jo := a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	device := passkeytest.New(t, a.url)
	a.passkey(jo, device)
	first := a.errs(a.asks(), 403, "insufficient_authorization")
	a.redeems(a.goesOn(first, "passkey", a.answers(first, device)))
	a.errs(a.goesOn(first, "passkey", "{"), 400, "invalid_fields")
	a.errs(a.goesOn(first, "passkey", `{"state":"x","credential":{}}`), 400, "wrong_passkey")
}

func TestACodeWithoutABrowserByMail(t *testing.T) {
	t.Parallel()
	a := newAPI(t, free)
	a.settle(storage.DefaultTenant,
		storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodEmail}}})
	a.verified("jo@example.com", "jo", right)
	first := a.errs(a.asks(), 403, "insufficient_authorization")
	if got := methodsOf(first); !slices.Equal(got, []string{"email"}) {
		t.Errorf("methods: %q", got)
	}
	sent := a.errs(a.goesOn(first, "login", "jo", "channel", "email"), 403, "insufficient_authorization")
	if got := methodsOf(sent); !slices.Equal(got, []string{"code"}) {
		t.Errorf("methods: %q", got)
	}
	code := a.mails.Next(t, "jo@example.com").Code
	a.errs(a.goesOn(sent, "code", "0000 0000"), 400, "wrong_code")
	a.errs(a.goesOn(first, "code", code), 400, "invalid_fields")
	a.redeems(a.goesOn(sent, "code", code))
	// H4: without an account it goes the same way.
	unknown := a.errs(a.goesOn(first, "login", "nobody", "channel", "email"), 403, "insufficient_authorization")
	if !slices.Equal(methodsOf(unknown), methodsOf(sent)) {
		t.Errorf("got %s, want %s", unknown.raw, sent.raw)
	}
	a.errs(a.goesOn(unknown, "code", code), 400, "wrong_code")
}

func TestWhoIsSentToTheBrowser(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.rules(func(s *storage.TenantSettings) { s.SecondFactor.Require = storage.SecondFactorAlways })
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	a.errs(a.asks("login", "jo", "password", right), 403, "redirect_to_web")
}

// RFC 9470: the client says how strongly, and only what is missing is asked for.
func TestAnAppAsksForAStrongerProof(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.rules(func(s *storage.TenantSettings) { s.SecondFactor.Require = storage.SecondFactorNever })
	jo := a.enrolled("jo@example.com")
	a.redeems(a.asks("login", "jo@example.com", "password", right))
	first := a.errs(a.asks("acr_values", storage.ACRMultiFactor, "login", "jo@example.com", "password", right), 403,
		"insufficient_authorization")
	tokens := a.redeems(a.goesOn(first, "otp", jo.shows()))
	parts := strings.Split(tokens.str("id_token"), ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	must(t, err)
	if !strings.Contains(string(claims), `"acr":"`+storage.ACRMultiFactor+`"`) {
		t.Errorf("got %s", claims)
	}
}

func TestWhatTheChallengeEndpointRefuses(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	a.app("pages", func(c *storage.Client) { c.GrantTypes = []string{"authorization_code"} })
	who := []string{"login", "jo", "password", right}
	for name, c := range map[string]struct {
		pairs  []string
		status int
		code   string
	}{
		"no client":              {[]string{"client_id", ""}, 401, "invalid_client"},
		"one with a secret":      {[]string{"client_id", "shop"}, 401, "invalid_client"},
		"one that has no screen": {[]string{"client_id", "pages"}, 400, "unauthorized_client"},
		"no response_type":       {[]string{"response_type", ""}, 400, "invalid_request"},
		"no PKCE":                {[]string{"code_challenge", ""}, 400, "invalid_request"},
		"another's scope":        {[]string{"scope", "admin"}, 400, "invalid_scope"},
		"another user's session": {[]string{"auth_session", "x"}, 400, "invalid_session"},
		"two proofs":             {[]string{"token", "a.b"}, 400, "invalid_request"},
		"a channel that is none": {[]string{"channel", "pigeon"}, 404, "not_offered"},
		"a password of 2 KB":     {[]string{"password", strings.Repeat("x", 2000)}, 400, "invalid_fields"},
	} {
		if got := a.asks(append(slices.Clone(who), c.pairs...)...); got.status != c.status || got.str("error") != c.code {
			t.Errorf("%s: got %d %s, want %d %s", name, got.status, got.raw, c.status, c.code)
		}
	}
	if got := a.asks("client_id", ""); got.header.Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
	a.errs(a.form(api.ChallengePath, asksCode(who...), "Origin: https://evil.example"), 403, "origin_not_allowed")
	a.errs(a.form(api.ChallengePath, asksCode(who...), "Content-Type: text/plain"), 400, "invalid_request")
	twice := asksCode(who...)
	twice["login"] = []string{"jo", "al"}
	a.errs(a.form(api.ChallengePath, twice), 400, "invalid_request")
	a.errs(a.form(api.ChallengePath+"?login=jo", asksCode()), 400, "invalid_request")
	// What an app keeps is of one tenant and client, and of whatever it was given for.
	kept := a.asks()
	a.errs(a.form(api.ChallengePath,
		url.Values{"auth_session": {kept.str("auth_session")}, "login": {"jo"}, "password": {right}},
		basicAuth("shop", a.secret)), 400, "invalid_session")
	wrong := a.form(api.ChallengePath, asksCode("login", "jo", "password", "wrong battery horse"), "Accept-Language: de")
	if wrong.str("error_description") != english["signin.wrong"] ||
		wrong.str("message") != texts.In("de")["signin.wrong"] {
		t.Errorf("got %s", wrong.raw)
	}
}

// TestAnAppsCodeIsBoundToItsKey: with a proof at the authorization challenge endpoint, the code and each further
// request with the auth_session need the same key (RFC 9449 section 10).
func TestAnAppsCodeIsBoundToItsKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.user(storage.DefaultTenant, "jo@example.com", "jo", right)
	a.app("strict", func(c *storage.Client) { c.DPoP = storage.DPoPRequire })
	key, thief := prooftest.New(t), prooftest.New(t)
	proof := func(k *prooftest.Key, path string) string { return "DPoP: " + k.Proof("POST", a.url+path, "") }
	asks := func(k *prooftest.Key, pairs ...string) said {
		t.Helper()
		return a.form(api.ChallengePath, asksCode(append([]string{"client_id", "strict"}, pairs...)...),
			proof(k, api.ChallengePath))
	}
	first := asks(key)
	if first.str("error") != "use_dpop_nonce" || first.status != 400 || !key.Learn(first.header) {
		t.Fatalf("got %d %s, want a nonce", first.status, first.raw)
	}
	thief.Nonce = key.Nonce
	first = asks(key)
	if first.str("error") != "insufficient_authorization" {
		t.Fatalf("got %d %s, want to be asked for proofs of the user", first.status, first.raw)
	}
	more := []string{"auth_session", first.str("auth_session"), "login", "jo@example.com", "password", right}
	for why, got := range map[string]said{
		"another key":                      asks(thief, more...),
		"no proof":                         a.asks(append([]string{"client_id", "strict"}, more...)...),
		"a key that dpop_jkt doesn't name": asks(key, "dpop_jkt", thief.JKT),
	} {
		if got.status != 400 || got.str("error") != "invalid_dpop_proof" && got.str("error") != "invalid_request" {
			t.Errorf("%s: got %d %s, want a refusal", why, got.status, got.raw)
		}
	}
	code := asks(key, more...).str("authorization_code")
	if code == "" {
		t.Fatal("got no code")
	}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"strict"}, "code": {code},
		"code_verifier": {verifier}}
	if got := a.form("/token", form, proof(thief, "/token")); got.str("error") != "invalid_grant" {
		t.Errorf("by another key: got %d %s, want invalid_grant", got.status, got.raw)
	}
	if got := a.form("/token", form, proof(key, "/token")); got.str("token_type") != "DPoP" {
		t.Errorf("got %d %s, want bound tokens", got.status, got.raw)
	}
}
