package provider

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// careful is a client that is held to the FAPI 2.0 Security Profile, and its user's browser.
type careful struct {
	*asker
	*profiled
}

// startCareful returns a client of which nothing but the profile says what it has to do.
func startCareful(t testing.TB, change ...func(*storage.Client)) *careful {
	t.Helper()
	a := startAsking(t)
	c := &careful{a, &profiled{startAssertions(a.tokenServer, "careful", append([]func(*storage.Client){
		func(c *storage.Client) {
			c.Profile, c.FirstParty, c.RedirectURIs = storage.ProfileFAPI2, true, []string{testRedirect}
			c.GrantTypes, c.ResponseTypes = []string{"authorization_code", "refresh_token"}, []string{"code"}
			c.Scope = "openid profile offline_access api"
		}}, change...)...), a.proves()}}
	a.client = c.profiled.client
	a.signsIn(a.user)
	c.holder.nonce = c.asker.form("/par", values(), "DPoP: "+c.holder.sign(c.holder.claims("POST", "/par", ""))).
		header.Get("DPoP-Nonce")
	return c
}

// by adds a new assertion to a form.
func (c *careful) by(form url.Values, more ...any) url.Values {
	for name, v := range values(c.profiled.form(c.with(more...))...) {
		form[name] = v
	}
	return form
}

// proof returns the header with a new proof for a path.
func (c *careful) proof(path string) string {
	return "DPoP: " + c.holder.sign(c.holder.claims("POST", path, ""))
}

// pushed pushes a request, with what is given in place of its own parameters.
func (c *careful) pushed(more ...string) reply {
	return c.asker.form("/par", c.by(c.wanted(more...)), c.proof("/par"))
}

// code pushes a request and has the user allow it.
func (c *careful) code(more ...string) string {
	got := c.pushed(more...)
	_, answer := c.brings(got.str("request_uri"))
	if answer.Get("code") == "" || answer.Get("iss") != testIssuer {
		c.asker.Fatalf("push: %d %s, then %v, want a code and the issuer", got.status, got.raw, answer)
	}
	return answer.Get("code")
}

// redemption is the form that redeems a code.
func redemption(code string) url.Values {
	return values("grant_type", "authorization_code", "code", code, "redirect_uri", testRedirect, "code_verifier",
		testVerifier)
}

// TestTheFAPI2Profile: `profile: fapi2` alone has the server demand what the FAPI 2.0 Security Profile demands.
func TestTheFAPI2Profile(t *testing.T) {
	t.Parallel()
	c := startCareful(t)
	s := c.asker.tokenServer

	t.Run("a happy flow", func(t *testing.T) {
		got := s.form("/token", c.by(redemption(c.code())), c.proof("/token"))
		if got.status != http.StatusOK || got.str("token_type") != "DPoP" {
			t.Fatalf("got %d %s", got.status, got.raw)
		}
		if alg := headerOf(t, got.str("id_token")).Algorithm; alg != "ES256" {
			t.Errorf("the ID token is signed by %s", alg)
		}
		again := values("grant_type", "refresh_token", "refresh_token", got.str("refresh_token"))
		for range 2 { // refresh tokens are not rotated
			if next := s.form("/token", c.by(again), c.proof("/token")); next.status != http.StatusOK {
				t.Errorf("refresh: got %d %s", next.status, next.raw)
			}
		}
	})
	t.Run("requests that do not count", func(t *testing.T) {
		if _, answer := c.goesTo(c.visit("/authorize?" + c.wanted().Encode())); answer.Get("error") != "invalid_request" {
			t.Errorf("not pushed: got %v", answer)
		}
		// Errors that come before all else are signed, too.
		_, answer := c.goesTo(c.visit("/authorize?" + c.wanted("response_mode", "jwt").Encode()))
		if said := payload(t, answer.Get("response")); said["error"] != "invalid_request" || len(answer) != 1 {
			t.Errorf("not pushed, to be signed: got %v", answer)
		}
		for name, got := range map[string]reply{
			"without PKCE":           c.pushed("code_challenge", "", "code_challenge_method", ""),
			"plain":                  c.pushed("code_challenge", testVerifier, "code_challenge_method", "plain"),
			"code id_token":          c.pushed("response_type", "code id_token"),
			"without a redirect URI": c.pushed("redirect_uri", ""),
		} {
			if got.status != http.StatusBadRequest || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
				t.Errorf("%s: got %d %s", name, got.status, got.raw)
			}
		}
	})
	t.Run("tokens without the key", func(t *testing.T) {
		code := c.code()
		s.fails(s.form("/token", c.by(redemption(code))), http.StatusBadRequest, "invalid_dpop_proof")
		if got := s.form("/token", c.by(redemption(code)), c.proof("/token")); got.status != http.StatusOK {
			t.Errorf("the code was spent: got %d %s", got.status, got.raw)
		}
	})
	t.Run("another key than at PAR", func(t *testing.T) {
		code, other := c.code(), s.proves()
		other.nonce = c.holder.nonce
		got := s.form("/token", c.by(redemption(code)), "DPoP: "+other.sign(other.claims("POST", "/token", "")))
		s.fails(got, http.StatusBadRequest, "invalid_grant")
	})
	t.Run("a code used twice", func(t *testing.T) {
		code := c.code()
		s.form("/token", c.by(redemption(code)), c.proof("/token"))
		s.fails(s.form("/token", c.by(redemption(code)), c.proof("/token")), http.StatusBadRequest, "invalid_grant")
	})
	t.Run("assertions", func(t *testing.T) {
		for _, aud := range []any{[]string{testIssuer}, testIssuer + "/token", testIssuer + "/par"} {
			got := s.form("/par", c.by(c.wanted(), "aud", aud), c.proof("/par"))
			s.fails(got, http.StatusUnauthorized, "invalid_client")
		}
	})
}

// TestFAPI2Algorithms: keys of a kind that FAPI 2.0 section 5.4.1 does not allow prove nothing.
func TestFAPI2Algorithms(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := startCareful(t, func(c *storage.Client) {
		c.JWKS = keySetOf(t, jose.JSONWebKey{Key: key.Public(), KeyID: "k2"})
	})
	for alg, want := range map[jose.SignatureAlgorithm]int{
		jose.RS256: http.StatusUnauthorized, jose.PS256: http.StatusCreated,
	} {
		form := c.wanted()
		form.Set("client_assertion_type", jwtBearer)
		form.Set("client_assertion", signJWT(t, alg, key, c.claims(), map[jose.HeaderKey]any{"kid": "k2"}))
		if got := c.asker.form("/par", form, c.proof("/par")); got.status != want {
			t.Errorf("%s: got %d %s, want %d", alg, got.status, got.raw, want)
		}
	}
}

// TestFAPI2Proofs: neither may the key that tokens are bound to be of such a kind.
func TestFAPI2Proofs(t *testing.T) {
	t.Parallel()
	c := startCareful(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	code := c.code()
	for alg, want := range map[jose.SignatureAlgorithm]string{jose.RS256: "invalid_dpop_proof", jose.PS256: ""} {
		holder := c.asker.provesBy(key, alg)
		holder.nonce = c.holder.nonce
		line := func(path string) string { return "DPoP: " + holder.sign(holder.claims("POST", path, "")) }
		if got := c.asker.form("/par", c.by(c.wanted()), line("/par")); got.str("error") != want {
			t.Errorf("pushed with a proof by %s: got %d %s", alg, got.status, got.raw)
		}
	}
	holder := c.asker.provesBy(key, jose.RS256)
	holder.nonce = c.holder.nonce
	got := c.asker.form("/token", c.by(redemption(code)), "DPoP: "+holder.sign(holder.claims("POST", "/token", "")))
	c.asker.fails(got, http.StatusBadRequest, "invalid_dpop_proof")
}

// TestFAPI2CodesAreShort: a minute, also where codes of other clients count for longer.
func TestFAPI2CodesAreShort(t *testing.T) {
	t.Parallel()
	c := startCareful(t)
	s := c.asker.tokenServer
	s.p.tokens.CodeLifetime = 5 * time.Minute
	for age, want := range map[time.Duration]string{50 * time.Second: "", 61 * time.Second: "invalid_grant"} {
		code := s.code(c.asker.client, func(k *tokens.Code) { k.IssuedAt = time.Now().Add(-age) })
		if got := s.form("/token", c.by(redemption(code)), c.proof("/token")); got.str("error") != want {
			t.Errorf("after %s: got %d %s", age, got.status, got.raw)
		}
	}
}

// headerOf returns the header of a JWT.
func headerOf(t testing.TB, text string) jose.Header {
	t.Helper()
	signed, err := jws.Parse(text, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	return signed.Signatures[0].Protected
}

// bodyOf returns the body of an answer.
func bodyOf(t testing.TB, resp *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSignedResponses: with the response modes of JARM, the client gets what it would get as a JWT for itself, errors
// too, which it checks by issuer, audience, time and signature.
func TestSignedResponses(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.signsIn(a.user)
	for mode, carrier := range map[string]string{"jwt": "?", "query.jwt": "?", "fragment.jwt": "#"} {
		q := a.wanted("response_mode", mode)
		to, _ := a.visit("/authorize?" + q.Encode())
		before, encoded, ok := strings.Cut(to, carrier)
		params, err := url.ParseQuery(encoded)
		if !ok || err != nil || before != testRedirect || len(params) != 1 {
			t.Fatalf("%s: got %s", mode, to)
		}
		answer := params.Get("response")
		said := payload(t, answer)
		exp, _ := said["exp"].(float64)
		if said["iss"] != testIssuer || said["aud"] != a.client.ClientID || said["state"] != "pushed" ||
			exp < float64(time.Now().Unix()) || exp > float64(time.Now().Add(10*time.Minute).Unix()) {
			t.Errorf("%s: got %v", mode, said)
		}
		if alg := headerOf(t, answer).Algorithm; alg != "RS256" {
			t.Errorf("%s: signed by %s", mode, alg)
		}
		code, _ := said["code"].(string)
		if got := a.redeem(a.client, code); got.status != http.StatusOK {
			t.Errorf("%s: got %d %s", mode, got.status, got.raw)
		}
	}

	// Errors are signed, too, by the algorithm that the client registered.
	a.client = a.tokenServer.client(func(c *storage.Client) {
		c.FirstParty, c.AuthorizationSignedResponseAlg = true, "ES256"
	})
	to, _ := a.visit("/authorize?" + a.wanted("response_mode", "jwt", "scope", "openid unknown").Encode())
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	answer := u.Query().Get("response")
	if said := payload(t, answer); said["error"] != "invalid_scope" || said["code"] != nil ||
		headerOf(t, answer).Algorithm != "ES256" {
		t.Errorf("an error: got %v", said)
	}

	r := request("GET", "/authorize?"+a.wanted("response_mode", "form_post.jwt").Encode(), "")
	a.bring(r)
	if body := bodyOf(t, a.raw(r)); !strings.Contains(body, `name="response"`) || strings.Contains(body, `name="code"`) {
		t.Errorf("form_post.jwt: got %s", body)
	}
}

// TestSignedIntrospection: an API that asks for it gets a JWT of what introspection says (RFC 9701).
func TestSignedIntrospection(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	access := s.tokens(c).str("access_token")
	api, secret := s.service("api-1", func(c *storage.Client) {
		c.MayIntrospect, c.IntrospectionSignedResponseAlg = true, "ES256"
	})
	for token, active := range map[string]bool{access: true, "nonsense": false} {
		r := request("POST", "/introspect", values("token", token).Encode(), formType, basic(api.ClientID, secret),
			"Accept: application/token-introspection+jwt")
		resp := s.raw(r)
		signed := bodyOf(t, resp)
		if kind := resp.Header.Get("Content-Type"); kind != "application/token-introspection+jwt" {
			t.Fatalf("got %d %s %s", resp.StatusCode, kind, signed)
		}
		head, said := headerOf(t, signed), payload(t, signed)
		inner, _ := said["token_introspection"].(map[string]any)
		if said["iss"] != testIssuer || said["aud"] != api.ClientID || said["iat"] == nil || said["sub"] != nil ||
			said["exp"] != nil || inner["active"] != active || head.Algorithm != "ES256" ||
			head.ExtraHeaders["typ"] != "token-introspection+jwt" {
			t.Errorf("got %v %v", head, said)
		}
		if active && (inner["sub"] != s.user.ID || inner["client_id"] != c.ClientID) {
			t.Errorf("got %v", inner)
		}
		// It passes for no access token.
		if got := s.do(request("GET", "/userinfo", "", "Authorization: Bearer "+signed)); got.status != 401 {
			t.Errorf("as an access token: got %d %s", got.status, got.raw)
		}
	}
}
