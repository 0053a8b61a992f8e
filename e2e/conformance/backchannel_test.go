package conformance

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/receiver"
)

func backchannelModules() []module {
	return []module{
		{"oidcc-backchannel-logout-discovery-endpoint-verification", backchannelDiscovery},
		{"oidcc-backchannel-rp-initiated-logout", backchannelLogout},
	}
}

func backchannelDiscovery(t *testing.T, p *plan) {
	meta := p.metadata(t)
	for _, name := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported"} {
		if meta[name] != true {
			t.Errorf("got %s %v, want true", name, meta[name])
		}
	}
}

// backchannelLogout signs out at one client: that client and another one, whose tokens another algorithm signs, are
// told, and one that the user never came to is not.
func backchannelLogout(t *testing.T, p *plan) {
	host := receiver.NewLogouts(t)
	first := host.Has(t, p.Server)
	second := host.Has(t, p.Server, "id_token_signed_response_alg=ES256", "backchannel_logout_session_required=true")
	never := host.Has(t, p.Server)
	b := p.browser(t)
	ids := map[string]*vouchsafetest.Token{}
	hint := ""
	for _, c := range []vouchsafetest.Client{second, first} {
		r := vouchsafetest.NewRequest(c)
		reply := p.tokens(t, b, r)
		ids[c.ID()] = p.api.IDToken(t, c, r, reply)
		hint = reply.ID()
	}
	leave(t, b, url.Values{"id_token_hint": {hint}})
	for c, alg := range map[string]string{first.ID(): "RS256", second.ID(): "ES256"} {
		told := host.Wait(t, vouchsafetest.Client{"client_id": c}, 1)[0]
		if got := told.Header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
			t.Errorf("got Content-Type %q", got)
		}
		form, err := url.ParseQuery(told.Body)
		if err != nil || len(form) != 1 || len(form["logout_token"]) != 1 {
			t.Fatalf("got %q, %v; want the one parameter logout_token", told.Body, err)
		}
		checkLogoutToken(t, p, form.Get("logout_token"), c, alg, ids[c])
	}
	time.Sleep(time.Second)
	if got := host.Got(never); len(got) > 0 {
		t.Errorf("a client that took no part was told: %v", got)
	}
	// The next session has another sid: a client that keeps a list of those that have ended lets the user in again.
	r := vouchsafetest.NewRequest(first)
	again := p.api.IDToken(t, first, r, p.tokens(t, p.browser(t), r))
	if again.String("sid") == ids[first.ID()].String("sid") {
		t.Error("the next session has the sid of the one that has ended")
	}
}

// checkLogoutToken checks a logout token (section 2.6) against the ID token of the client.
func checkLogoutToken(t *testing.T, p *plan, token, client, alg string, id *vouchsafetest.Token) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jws.Verify(p.api.Keys(t))
	if err != nil {
		t.Fatal(err)
	}
	if typ := jws.Signatures[0].Header.ExtraHeaders["typ"]; typ != "logout+jwt" {
		t.Errorf("got typ %v, want logout+jwt", typ)
	}
	var claims map[string]any
	if err := json.Unmarshal(plain, &claims); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"iss": p.Issuer, "aud": client, "sub": id.String("sub"), "sid": id.String("sid"),
	} {
		if claims[name] != want {
			t.Errorf("got %s %v, want %v", name, claims[name], want)
		}
	}
	iat, _ := claims["iat"].(float64)
	exp, _ := claims["exp"].(float64)
	if age := time.Since(time.Unix(int64(iat), 0)); age.Abs() > time.Minute || exp <= iat || exp > iat+120 {
		t.Errorf("got iat %v and exp %v, want now and at most two minutes later", iat, exp)
	}
	events, _ := claims["events"].(map[string]any)
	event, _ := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if len(events) != 1 || event == nil || len(event) > 0 {
		t.Errorf("got events %v", claims["events"])
	}
	if jti, _ := claims["jti"].(string); jti == "" {
		t.Error("got no jti")
	}
	known := []string{"iss", "aud", "sub", "sid", "iat", "exp", "events", "jti"}
	for name := range claims {
		if !slices.Contains(known, name) { // above all no nonce
			t.Errorf("got the claim %s", name)
		}
	}
	// It is of no use anywhere else.
	p.api.Userinfo(t, token).Want(t, 401, "invalid_token")
	parts := strings.Split(token, ".")
	if header, err := base64.RawURLEncoding.DecodeString(parts[0]); err != nil || !strings.Contains(string(header), alg) {
		t.Errorf("got the header %s %v, want %s", header, err, alg)
	}
	b := p.browser(t)
	page := leave(t, b, url.Values{"id_token_hint": {token}, "post_logout_redirect_uri": {signedOutURI}})
	if page.Left != nil {
		t.Errorf("a logout token passed for an ID token: %v", page.Left)
	}
}
