package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/storage"
)

// appAsks is an app's authorization request, changed by pairs; "" takes a parameter
// away.
func appAsks(pairs ...string) url.Values {
	form := values("response_type", "code", "scope", "openid api", "code_challenge", s256(testVerifier),
		"code_challenge_method", "S256", "nonce", "n-1")
	for i := 0; i < len(pairs); i += 2 {
		if form.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

func TestWhatAnAppMayAskAnAuthorizationFor(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	apps, c := s.p.Apps(), s.app()
	tokensOnly := s.app(func(c *storage.Client) { c.ClientID, c.GrantTypes = "tokens", []string{clients.FirstPartyGrant} })
	for name, test := range map[string]struct {
		form url.Values
		want string
	}{
		"all that it takes":     {appAsks(), ""},
		"for a browser":         {appAsks("prompt", "none", "response_mode", "query", "state", "x"), ""},
		"a registered redirect": {appAsks("redirect_uri", testRedirect), ""},
		"no PKCE":               {appAsks("code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"plain PKCE":            {appAsks("code_challenge_method", "plain"), "invalid_request"},
		"no response_type":      {appAsks("response_type", ""), "invalid_request"},
		"another response_type": {appAsks("response_type", "token"), "unsupported_response_type"},
		"another's scope":       {appAsks("scope", "openid admin"), "invalid_scope"},
		"a foreign redirect":    {appAsks("redirect_uri", "https://evil.example/cb"), "invalid_request"},
		"a request object":      {appAsks("request", "eyJ"), "request_not_supported"},
		"claims that are none":  {appAsks("claims", "{"), "invalid_request"},
		"a hint that is none":   {appAsks("id_token_hint", "x.y.z"), ""},
		"an acr that is not offered": {appAsks("claims", `{"id_token":{"acr":{"essential":true,"value":"gold"}}}`),
			"unmet_authentication_requirements"},
		"too much": {appAsks("nonce", strings.Repeat("n", 3000)), "invalid_request"},
	} {
		_, asked, err := apps.Request(s.inTenant().Context(), *c, test.form)
		if problemCode(err) != test.want || (err == nil) != (test.want == "") {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
		if asked.Has("prompt") || asked.Has("state") {
			t.Errorf("%s: carried along are %v", name, asked)
		}
	}
	if _, _, err := apps.Request(
		s.inTenant().Context(), *tokensOnly, appAsks(),
	); problemCode(err) != "unauthorized_client" {
		t.Errorf("a client without authorization_code: got %v", err)
	}
}

// The code that ends it is a code: of the client, once, with the verifier, and nothing else.
func TestACodeOfAnApp(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	apps, c, other := s.p.Apps(), s.app(), s.client()
	code := func(pairs ...string) string {
		t.Helper()
		_, asked, err := apps.Request(s.inTenant().Context(), *c, appAsks(pairs...))
		if err != nil {
			t.Fatal(err)
		}
		code, err := apps.Code(s.inTenant().Context(), *c, asked, s.session)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	redeem := func(client *storage.Client, code string, more ...string) reply {
		return s.post(values(append([]string{"grant_type", "authorization_code", "client_id", client.ClientID, "code", code,
			"code_verifier", testVerifier}, more...)...))
	}
	first := code()
	s.fails(redeem(other, first), http.StatusBadRequest, "invalid_grant")
	s.fails(redeem(c, first, "redirect_uri", testRedirect), http.StatusBadRequest, "invalid_grant")
	got := redeem(c, first)
	if got.status != http.StatusOK || got.str("scope") != "openid api" {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	if id := payload(t, got.str("id_token")); id["nonce"] != "n-1" || id["sid"] != s.session.ID || id["sub"] != s.user.ID {
		t.Errorf("ID token: %v", id)
	}
	s.fails(redeem(c, first), http.StatusBadRequest, "invalid_grant")
	if s.lives(got) {
		t.Error("alive after the code came twice")
	}
	s.fails(s.post(values("grant_type", "authorization_code", "client_id", c.ClientID, "code", code())),
		http.StatusBadRequest, "invalid_grant")
	if got := redeem(c, code("redirect_uri", testRedirect), "redirect_uri", testRedirect); got.status != http.StatusOK {
		t.Errorf("with a redirect URI: got %d %s", got.status, got.raw)
	}
	_, asked, err := apps.Request(s.inTenant().Context(), *c,
		appAsks("claims", `{"id_token":{"sub":{"value":"somebody"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := apps.Code(s.inTenant().Context(), *c, asked, s.session); problemCode(err) != "login_required" {
		t.Errorf("another user than was meant: got %v", err)
	}
}
