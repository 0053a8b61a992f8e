package conformance

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func flowModules() []module {
	return []module{
		{"oidcc-server", server},
		{"oidcc-response-type-missing", responseTypeMissing},
		{"oidcc-idtoken-signature", idTokenSignature},
		{"oidcc-idtoken-unsigned", idTokenUnsigned},
		{"oidcc-ensure-request-without-nonce-succeeds-for-code-flow", withoutNonce},
		{"oidcc-alternate-happy-flow", alternateHappyFlow},
		{"oidcc-ensure-request-with-valid-pkce-succeeds", validPKCE},
		{"oidcc-ensure-post-request-succeeds", postRequest},
	}
}

// unrequested are claims about which the suite warns if they are in the ID token, because userinfo
// returns them. Clients with id_token_claims: false do not get them.
var unrequested = []string{"name", "email", "given_name", "family_name", "picture", "address",
	"phone_number", "preferred_username"}

func server(t *testing.T, p *plan) {
	r := p.request("scope", "openid profile email")
	a := p.browser(t).Authorize(t, r)
	want := p.mode
	if want == "" {
		want = "query"
	}
	if a.Mode != want {
		t.Errorf("got the answer as %s, want %s", a.Mode, want)
	}
	reply := p.api.Redeem(t, r, a.Code()).Want(t, 200, "")
	id := p.api.IDToken(t, p.client, r, reply)
	for _, name := range unrequested {
		if id.Claims[name] != nil && p.client["id_token_claims"] == false {
			t.Errorf("got %s in the ID token, want it at user info alone", name)
		}
	}
	if want := p.client["id_token_claims"] != false; (id.String("email") != "") != want {
		t.Errorf("got email %q in the ID token, want it there: %v", id.String("email"), want)
	}
	if got, want := id.String("at_hash"), leftHalf(reply.Access()); got != want {
		t.Errorf("got at_hash %q, want %q", got, want)
	}
	if id.Claims["acr"] == nil || id.Claims["amr"] == nil || id.Claims["sid"] == nil || id.Claims["auth_time"] == nil {
		t.Errorf("got %v, want acr, amr, sid and auth_time among the claims", id.Claims)
	}
	p.api.AccessToken(t, p.client, reply.Access())
}

func responseTypeMissing(t *testing.T, p *plan) {
	a := p.browser(t).Authorize(t, p.request("response_type", "-"))
	if e := a.Error(); e != "unsupported_response_type" && e != "invalid_request" {
		t.Errorf("got %v, want unsupported_response_type or invalid_request", a.Params)
	}
}

func idTokenSignature(t *testing.T, p *plan) {
	_, id := p.signIn(t, p.browser(t), p.request())
	if id.Header.Algorithm != string(jose.RS256) || id.Header.KeyID == "" {
		t.Errorf("got alg %s and kid %q, want RS256 and a kid", id.Header.Algorithm, id.Header.KeyID)
	}
}

func idTokenUnsigned(t *testing.T, p *plan) {
	for _, alg := range strs(p.metadata(t)["id_token_signing_alg_values_supported"]) {
		if alg == "none" {
			t.Error("unsigned ID tokens are offered")
		}
	}
}

func withoutNonce(t *testing.T, p *plan) {
	_, id := p.signIn(t, p.browser(t), p.request("nonce", "-"))
	if id.Claims["nonce"] != nil {
		t.Errorf("got nonce %v, want none", id.Claims["nonce"])
	}
}

func alternateHappyFlow(t *testing.T, p *plan) {
	reply, _ := p.signIn(t, p.browser(t), p.request("scope", "email profile openid"))
	if info := p.api.Userinfo(t, reply.Access()); info.String("email") == "" {
		t.Errorf("got %s, want email", info.Raw)
	}
}

func validPKCE(t *testing.T, p *plan) {
	r := p.request()
	r.Verifier = "abcXYZ019-._~" + "abcXYZ019-._~" + "abcXYZ019-._~" + "0123456789"
	r.Params.Set("code_challenge", vouchsafetest.Challenge(r.Verifier))
	r.Params.Set("code_challenge_method", "S256")
	p.signIn(t, p.browser(t), r)
}

func postRequest(t *testing.T, p *plan) {
	b := p.browser(t)
	r := p.request()
	// The form is on the client's site.
	a := b.Walk(t, r, b.PostFrom(t, "https://rp.example", "/authorize", r.Params))
	p.api.Redeem(t, r, a.Code()).Want(t, 200, "")
}
