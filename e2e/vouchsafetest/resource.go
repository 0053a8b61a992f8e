package vouchsafetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// GuardsAPI checks that an API accepts the service client and names it in the answer, and that it
// refuses requests whose token is missing, has a wrong signature, or is meant for another API.
func (s *Server) GuardsAPI(t testing.TB, target, id, secret, scope string) {
	t.Helper()
	token := s.serviceToken(t, id, secret)
	signature := token[strings.LastIndexByte(token, '.')+1:]
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"no token": {"", http.StatusUnauthorized},
		"a token whose signature is off": {strings.TrimSuffix(token, signature) + strings.Repeat("A", len(signature)),
			http.StatusUnauthorized},
		"a token for another API": {s.otherToken(t, scope, "https://elsewhere.example.com"), http.StatusUnauthorized},
		"the token":               {token, http.StatusOK},
	} {
		status, body := call(t, target, c.token)
		if status != c.want {
			t.Errorf("with %s the API answers %d %s, want %d", name, status, body, c.want)
		}
		if c.want == http.StatusOK && !strings.Contains(body, id) {
			t.Errorf("the API says %q, want the caller %q in it", body, id)
		}
	}
}

// CallsAPI calls an API as a new service client whose tokens have that scope and audience, and
// returns the status.
func (s *Server) CallsAPI(t testing.TB, target, scope, audience string) (status int) {
	t.Helper()
	status, _ = call(t, target, s.otherToken(t, scope, audience))
	return status
}

// otherToken returns an access token of a new service client.
func (s *Server) otherToken(t testing.TB, scope, audience string) string {
	t.Helper()
	id, secret := "other-"+strings.ToLower(rand.Text()), "vcs_"+rand.Text()
	s.Command(t, secret+"\n", "client", "add", id, "--kind", "service", "--scope", scope, "--audience",
		audience, "--secret-stdin")
	return s.serviceToken(t, id, secret)
}

// serviceToken returns an access token that the client gets for itself.
func (s *Server) serviceToken(t testing.TB, id, secret string) string {
	t.Helper()
	reply := s.API(t).Token(t, Client{"client_id": id, "client_secret": secret}, "grant_type", "client_credentials")
	return reply.Want(t, http.StatusOK, "").Access()
}

// call requests a URL with a bearer token, or without one if token is "".
func call(t testing.TB, target, token string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json, text/plain, */*")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// tokenIssuer is an issuer whose tokens a test makes as it likes.
type tokenIssuer struct {
	*httptest.Server
	mu    sync.Mutex
	keys  jose.JSONWebKeySet // that it publishes
	asked int                // how often its keys were loaded
}

// newTokenIssuer publishes the keys.
func newTokenIssuer(t testing.TB, keys ...*ecdsa.PrivateKey) *tokenIssuer {
	t.Helper()
	i := &tokenIssuer{}
	for _, k := range keys {
		i.publish(k)
	}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked++
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(i.keys)
	}))
	t.Cleanup(i.Close)
	return i
}

// publish adds a key to those at /jwks.
func (i *tokenIssuer) publish(k *ecdsa.PrivateKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys.Keys = append(i.keys.Keys, jose.JSONWebKey{Key: k.Public(), KeyID: kidOf(k), Algorithm: "ES256", Use: "sig"})
}

// kidOf returns an id for the key.
func kidOf(k *ecdsa.PrivateKey) string { return "kid-" + k.X.Text(36)[:8] }

// ofToken is what differs between tokens.
type ofToken struct {
	alg     jose.SignatureAlgorithm
	key     any
	kid     string
	typ     string
	changed map[string]any // of the claims; nil values leave out
}

// token returns a JWT as Vouchsafe makes access tokens, but for what differs.
func (i *tokenIssuer) token(t testing.TB, o ofToken) string {
	t.Helper()
	now := time.Now()
	claims := map[string]any{"iss": i.URL, "aud": []string{"https://orders.example.com"}, "sub": "billing",
		"client_id": "billing", "scope": "orders:read", "jti": rand.Text(), "iat": now.Unix(),
		"exp": now.Add(time.Hour).Unix()}
	for name, v := range o.changed {
		if claims[name] = v; v == nil {
			delete(claims, name)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	if o.alg == "none" {
		b64 := base64.RawURLEncoding
		header := `{"alg":"none","typ":"at+jwt","kid":"` + o.kid + `"}`
		return b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(payload) + "."
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: o.alg, Key: o.key},
		(&jose.SignerOptions{}).WithType(jose.ContentType(o.typ)).WithHeader("kid", o.kid))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// JudgesTokens starts the section's app for an issuer of the test's own, and sends it tokens that an API accepts, and
// those that it must refuse. start runs the app in the folder dir, which gets its files.
func (e *Example) JudgesTokens(t testing.TB, path, dir string, start func(dir string)) {
	t.Helper()
	first, next, unknown := newKey(t), newKey(t), newKey(t)
	i := newTokenIssuer(t, first)
	e.Server = &Server{Name: e.Server.Name, Issuer: i.URL, Certificate: e.Server.Certificate}
	e.Write(t, dir)
	start(dir)
	public, err := x509.MarshalPKIXPublicKey(first.Public())
	if err != nil {
		t.Fatal(err)
	}
	public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	good := ofToken{jose.ES256, first, kidOf(first), "at+jwt", nil}
	but := func(change func(*ofToken)) ofToken { o := good; change(&o); return o }
	claim := func(name string, v any) ofToken {
		return but(func(o *ofToken) { o.changed = map[string]any{name: v} })
	}
	cases := []struct {
		name string
		of   ofToken
		want int
	}{
		{"a good token", good, 200},
		{"one of two audiences", claim("aud", []string{"https://a.example", "https://orders.example.com"}), 200},
		{"another audience", claim("aud", "https://orders.example.com.evil.example"), 401},
		{"no audience", claim("aud", nil), 401},
		{"another issuer", claim("iss", i.URL+"/t/other"), 401},
		{"an issuer with a slash", claim("iss", i.URL+"/"), 401},
		{"no issuer", claim("iss", nil), 401},
		{"an ID token", but(func(o *ofToken) { o.typ = "JWT" }), 401},
		{"a logout token", but(func(o *ofToken) { o.typ = "logout+jwt" }), 401},
		{"expired", claim("exp", time.Now().Add(-10*time.Minute).Unix()), 401},
		{"no expiry", claim("exp", nil), 401},
		{"no subject", claim("sub", nil), 401},
		{"another scope", claim("scope", "orders:readonly orders"), 403},
		{"no scope", claim("scope", nil), 403},
		{"alg none", but(func(o *ofToken) { o.alg = "none" }), 401},
		{"HS256 by the public key", but(func(o *ofToken) { o.alg, o.key = jose.HS256, public }), 401},
		{"the kid of another key", but(func(o *ofToken) { o.key = unknown }), 401},
		{"an unknown kid", but(func(o *ofToken) { o.key, o.kid = unknown, kidOf(unknown) }), 401},
	}
	for _, c := range cases {
		if status, body := call(t, e.URL+path, i.token(t, c.of)); status != c.want {
			t.Errorf("%s: got %d %.200s, want %d", c.name, status, body, c.want)
		}
	}
	if status, _ := call(t, e.URL+path, ""); status != 401 {
		t.Errorf("no token: got %d", status)
	}
	i.mu.Lock()
	asked := i.asked
	i.mu.Unlock()
	if asked < 1 || asked > 4 {
		t.Errorf("the keys were loaded %d times for %d requests", asked, len(cases))
	}
	i.publish(next) // the issuer rotates its keys
	rotated := i.token(t, but(func(o *ofToken) { o.key, o.kid = next, kidOf(next) }))
	status := 0
	for end := time.Now().Add(2 * time.Minute); status != 200 && time.Now().Before(end); time.Sleep(time.Second) {
		status, _ = call(t, e.URL+path, rotated)
	}
	if status != 200 {
		t.Errorf("a token of a new key: got %d after two minutes", status)
	}
	if status, _ := call(t, e.URL+path, i.token(t, good)); status != 200 {
		t.Errorf("a token of the key before: got %d", status)
	}
	last := i.token(t, good)
	i.Close() // the API has the keys: it verifies on without the issuer
	if status, _ := call(t, e.URL+path, last); status != 200 {
		t.Errorf("while the issuer is down: got %d", status)
	}
}

// newKey returns a key for ES256.
func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
