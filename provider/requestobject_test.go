package provider

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

// objects is a browser that is signed in, with a client that signs its authorization requests.
type objects struct {
	*asker
	key *ecdsa.PrivateKey
}

func startObjects(t testing.TB, change ...func(*storage.Client)) *objects {
	t.Helper()
	a := startAsking(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.client = a.tokenServer.client(append([]func(*storage.Client){func(c *storage.Client) {
		c.FirstParty, c.ClientID = true, "signer"
		c.JWKS = keySetOf(t, jose.JSONWebKey{Key: key.Public(), KeyID: "k1", Use: "sig", Algorithm: "ES256"})
	}}, change...)...)
	a.signsIn(a.user)
	return &objects{a, key}
}

// claims are those of a good request object, with what is given in place of its own; nil leaves one out.
func (o *objects) claims(more ...any) map[string]any {
	now := time.Now().Unix()
	all := map[string]any{"iss": o.client.ClientID, "aud": testIssuer, "iat": now, "nbf": now, "exp": now + 300,
		"jti": rand.Text()}
	for name, v := range o.wanted() {
		all[name] = v[0]
	}
	for i := 0; i < len(more); i += 2 {
		if all[more[i].(string)] = more[i+1]; more[i+1] == nil {
			delete(all, more[i].(string))
		}
	}
	return all
}

func (o *objects) sign(claims map[string]any) string {
	o.Helper()
	return signJWT(o, jose.ES256, o.key, claims, map[jose.HeaderKey]any{"kid": "k1", "typ": "oauth-authz-req+jwt"})
}

// sends visits the authorization endpoint with a request object, and what is given beside it.
func (o *objects) sends(object string, beside ...string) (page string, params url.Values) {
	o.Helper()
	q := values(append([]string{"client_id", o.client.ClientID, "request", object}, beside...)...)
	return o.goesTo(o.visit("/authorize?" + q.Encode()))
}

// refuses sends the request object with a redirect URI beside it, and wants that error.
func (o *objects) refuses(why, object, code string) {
	o.Helper()
	_, answer := o.sends(object, "redirect_uri", testRedirect, "state", "beside")
	if answer.Get("error") != code || answer.Get("code") != "" {
		o.Errorf("%s: got %v, want %s", why, answer, code)
	}
}

// TestASignedRequest: RFC 9101. What the client signed counts, and nothing else; in MITREid's server, clients and
// servers disagreed about parameters that were inside and outside.
func TestASignedRequest(t *testing.T) {
	t.Parallel()
	o := startObjects(t)
	object := o.sign(o.claims("nonce", "signed", "max_age", 3600, "claims", map[string]any{"userinfo": map[string]any{}}))
	_, answer := o.sends(object, "nonce", "of an attacker", "state", "of an attacker", "prompt", "login", "scope", "email",
		"redirect_uri", "https://attacker.example/", "response_mode", "fragment", "response_type", "token")
	if answer.Get("code") == "" || answer.Get("state") != "pushed" {
		t.Fatalf("got %v, want a code with the signed state", answer)
	}
	tokens := o.redeem(o.client, answer.Get("code"))
	if tokens.status != http.StatusOK || tokens.str("scope") != "openid" ||
		payload(t, tokens.str("id_token"))["nonce"] != "signed" {
		t.Errorf("got %d %s, want tokens for what was signed", tokens.status, tokens.raw)
	}
	o.isRefused("used before", values("client_id", o.client.ClientID, "request", object))
	// Keycloak refused what names the client beside the object only, as OpenID Connect allows.
	if _, answer := o.sends(o.sign(o.claims("client_id", nil))); answer.Get("code") == "" {
		t.Errorf("without client_id: got %v, want a code", answer)
	}
	for _, aud := range []any{testIssuer + "/authorize", []string{testIssuer}} {
		if _, answer := o.sends(o.sign(o.claims("aud", aud))); answer.Get("code") == "" {
			t.Errorf("aud %v: got %v, want a code", aud, answer)
		}
	}
}

// TestSignedRequestsThatDoNotCount: each is refused by its code, and sent to no address but the client's.
func TestSignedRequestsThatDoNotCount(t *testing.T) {
	t.Parallel()
	o := startObjects(t)
	now := time.Now().Unix()
	for why, claims := range map[string]map[string]any{
		"no iss":            o.claims("iss", nil),
		"another's iss":     o.claims("iss", "other"),
		"another client_id": o.claims("client_id", "other"),
		"no aud":            o.claims("aud", nil),
		"another tenant":    o.claims("aud", testIssuer+"/t/other"),
		"two audiences":     o.claims("aud", []string{testIssuer, "https://other.example"}),
		"no exp":            o.claims("exp", nil),
		"expired":           o.claims("exp", now-60),
		"for years":         o.claims("exp", now+1e8),
		"not yet":           o.claims("nbf", now+3600),
		"from the future":   o.claims("iat", now+3600),
		"an assertion":      o.claims("sub", o.client.ClientID),
		"with request":      o.claims("request", "x"),
		"with request_uri":  o.claims("request_uri", "https://client.example/"),
		"exp is a text":     o.claims("exp", "tomorrow"),
		"a list of numbers": o.claims("resource", []int{1}),
	} {
		o.refuses(why, o.sign(claims), "invalid_request_object")
	}
	good := o.claims()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	header := map[jose.HeaderKey]any{"kid": "k1"}
	o.refuses("another key", signJWT(t, jose.ES256, other, good, header), "invalid_request_object")
	o.refuses("the public key as a shared one", signJWT(t, jose.HS256, []byte(o.client.JWKS), good, header),
		"invalid_request_object")
	o.refuses("cut off", o.sign(good)[:200], "invalid_request_object")
	o.refuses("encrypted", "a.b.c.d.e", "invalid_request_object")
	o.refuses("unsigned", unsigned(`{"alg":"none"}`, good, ""), "request_not_supported")
	o.refuses("alg none with a signature", unsigned(`{"alg":"none"}`, good, "c2ln"), "invalid_request_object")
	header["typ"] = "dpop+jwt"
	o.refuses("a proof", signJWT(t, jose.ES256, o.key, good, header), "invalid_request_object")
	_, answer := o.sends(o.sign(good), "request_uri", "https://client.example/", "redirect_uri", testRedirect)
	if answer.Get("error") != "invalid_request" {
		t.Errorf("request and request_uri: got %v, want invalid_request", answer)
	}
	// Where a refused object wants to be answered does not count.
	o.isRefused("no redirect URI beside it", values("client_id", o.client.ClientID, "request",
		signJWT(t, jose.ES256, other, good, header)))
	o.isRefused("an unregistered one inside", values("client_id", o.client.ClientID, "request",
		o.sign(o.claims("redirect_uri", "https://attacker.example/"))))
	long := o.sign(o.claims("state", strings.Repeat("s", 9<<10)))
	if got := o.form("/par", values("client_id", o.client.ClientID, "request", long)); got.status != 400 ||
		got.str("error") != "invalid_request_object" {
		t.Errorf("too long: got %d %s, want invalid_request_object", got.status, got.raw)
	}
	if _, answer := o.sends(o.sign(good)); answer.Get("code") == "" { // nothing was spent
		t.Errorf("got %v, want a code", answer)
	}
}

// TestTheAlgorithmOfSignedRequests: in Abblix's server the registered algorithm did not count.
func TestTheAlgorithmOfSignedRequests(t *testing.T) {
	t.Parallel()
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := startObjects(t, func(c *storage.Client) { c.RequestObjectSigningAlg = "EdDSA" })
	o.refuses("ES256", o.sign(o.claims()), "invalid_request_object")
	o.client.JWKS = keySetOf(t, jose.JSONWebKey{Key: edKey.Public(), KeyID: "k1"})
	o.put(o.client)
	header := map[jose.HeaderKey]any{"kid": "k1"}
	if _, answer := o.sends(signJWT(t, jose.EdDSA, edKey, o.claims(), header)); answer.Get("code") == "" {
		t.Errorf("EdDSA: got %v, want a code", answer)
	}
}

// TestOnlySignedRequests: a client that has to sign its requests may leave that out nowhere.
func TestOnlySignedRequests(t *testing.T) {
	t.Parallel()
	o := startObjects(t, func(c *storage.Client) { c.RequireSignedRequestObject = true })
	for _, forged := range []string{"", "AAAAAAAAAAAAAAAAAAAAAA"} { // what the server itself adds says nothing
		_, answer := o.goesTo(o.visit("/authorize?" + o.wanted("request", forged).Encode()))
		if code := answer.Get("error"); code != "invalid_request" && code != "invalid_request_object" {
			t.Errorf("request=%s: got %v, want a refusal", forged, answer)
		}
	}
	o.fails(o.form("/par", o.wanted()), 400, "invalid_request")
	if _, answer := o.sends(o.sign(o.claims())); answer.Get("code") == "" {
		t.Errorf("signed: got %v, want a code", answer)
	}
	got := o.form("/par", values("client_id", o.client.ClientID, "request", o.sign(o.claims()), "scope", "email"))
	if got.status != http.StatusCreated {
		t.Fatalf("pushed: got %d %s, want 201", got.status, got.raw)
	}
	_, answer := o.brings(got.str("request_uri"))
	if tokens := o.redeem(o.client, answer.Get("code")); tokens.str("scope") != "openid" {
		t.Errorf("pushed: got %v and %s, want tokens for what was signed", answer, tokens.raw)
	}
	got = o.form("/par", values("client_id", o.client.ClientID, "request", o.sign(o.claims("exp", nil))))
	if got.status != http.StatusBadRequest || got.str("error") != "invalid_request_object" {
		t.Errorf("pushed without exp: got %d %s, want invalid_request_object", got.status, got.raw)
	}
}

// TestASignedRequestWaitsForTheUser: in Spring's server a request expired while its user signed in. Here it is read
// once.
func TestASignedRequestWaitsForTheUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := startObjects(t)
		object := o.sign(o.claims("prompt", "login"))
		page, query := o.sends(object)
		if page != "/login" {
			t.Fatalf("got %s, want the sign-in page", page)
		}
		time.Sleep(10 * time.Minute)
		o.signsIn(o.user)
		if _, answer := o.goesTo(o.visit("/authorize?i=" + url.QueryEscape(query.Get("i")))); answer.Get("code") == "" {
			t.Errorf("got %v, want a code", answer)
		}
		o.refuses("late", object, "invalid_request_object")
	})
}

// TestALateLetterOfASignedRequestHasExpired: the page that waited begins anew over lunch, but not what its client
// vouched for until a certain time.
func TestALateLetterOfASignedRequestHasExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := startObjects(t)
		_, query := o.sends(o.sign(o.claims("prompt", "login")))
		time.Sleep(time.Minute)
		o.signsIn(o.user)
		letter := "/authorize?i=" + url.QueryEscape(query.Get("i"))
		if _, answer := o.goesTo(o.visit(letter)); answer.Get("code") == "" {
			t.Fatalf("got %v, want a code", answer)
		}
		time.Sleep(3 * time.Hour)
		o.signsIn(o.user)
		if to, status := o.visit(letter); to != "" || status != http.StatusBadRequest {
			t.Errorf("got %d to %q, want a page", status, to)
		}
	})
}

// FuzzRequestObject: whatever a client signs, the endpoint does not break, the browser is sent to our pages or to the
// client, and nothing in the object makes it a request of another client.
func FuzzRequestObject(f *testing.F) {
	o := startObjects(f)
	good := o.claims("exp", 4102444800)
	delete(good, "iat")
	delete(good, "nbf")
	for name, v := range map[string]any{
		"x": 1, "claims": map[string]any{"id_token": map[string]any{"sub": map[string]any{"value": 1}}}, "exp": 1e300,
		"aud": []any{testIssuer, 1}, "redirect_uri": "https://evil.example/", "client_id": "other", "request": "a.b.c",
		"resource": []any{"https://a.example", nil}, "max_age": -1, "state": []any{}, "response_mode": map[string]any{},
		"request_uri": "urn:ietf:params:oauth:request_uri:x", "scope": "openid\x00", "prompt": true, "dpop_jkt": "x",
	} {
		claims := maps.Clone(good)
		claims[name] = v
		text, err := json.Marshal(claims)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "oauth-authz-req+jwt")
	}
	f.Add([]byte(`{"iss":"signer","ISS":"other","iss":"other"}`), "JWT")
	f.Add([]byte("null"), "")
	f.Add([]byte("{"), "dpop+jwt")
	f.Fuzz(func(t *testing.T, claims []byte, typ string) {
		o := *o
		a, s := *o.asker, *o.tokenServer
		a.visitor = &visitor{&s, maps.Clone(o.cookies)}
		o.asker, s.TB = &a, t
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: o.key},
			&jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"kid": "k1", "typ": typ}})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		object, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		q := values("client_id", o.client.ClientID, "request", object)
		to, status := o.visit("/authorize?" + q.Encode())
		if status >= http.StatusInternalServerError || strings.ContainsFunc(to, unicode.IsControl) {
			t.Fatalf("%q: got %d to %q", claims, status, to)
		}
		if to != "" && !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, testRedirect+"?") &&
			!strings.HasPrefix(to, testRedirect+"#") {
			t.Errorf("%q: sent to %q", claims, to)
		}
	})
}
