package provider

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

// assertions makes client assertions of a client that is registered for them.
type assertions struct {
	*tokenServer
	client *storage.Client
	key    *ecdsa.PrivateKey
}

func startAssertions(s *tokenServer, id string, change ...func(*storage.Client)) *assertions {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	a := &assertions{tokenServer: s, key: key}
	a.client, _ = s.service(id, append([]func(*storage.Client){func(c *storage.Client) {
		c.TokenEndpointAuthMethod = "private_key_jwt"
		c.SecretHashes = nil
		c.JWKS = keySetOf(s, jose.JSONWebKey{Key: key.Public(), KeyID: "k1", Use: "sig", Algorithm: "ES256"})
	}}, change...)...)
	return a
}

func keySetOf(t testing.TB, keys ...jose.JSONWebKey) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// claims are those of a good assertion.
func (a *assertions) claims() map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": a.client.ClientID, "sub": a.client.ClientID, "aud": testIssuer, "jti": rand.Text(),
		"iat": now, "exp": now + 60}
}

func (a *assertions) sign(claims map[string]any) string {
	a.Helper()
	return signJWT(a, jose.ES256, a.key, claims, map[jose.HeaderKey]any{"kid": "k1"})
}

func (a *assertions) form(claims map[string]any) []string {
	return []string{"client_assertion_type", jwtBearer, "client_assertion", a.sign(claims)}
}

func (a *assertions) present(jwt string) reply {
	a.Helper()
	return ask(a.tokenServer, "", "client_assertion_type", jwtBearer, "client_assertion", jwt)
}

// signJWT signs a JWT with any header and claims, also those that no honest client would send.
func signJWT(t testing.TB, alg jose.SignatureAlgorithm, key any, claims any, header map[jose.HeaderKey]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(plain)
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

// unsigned is a JWT with a header and signature of one's own making.
func unsigned(header string, claims map[string]any, signature string) string {
	plain, _ := json.Marshal(claims)
	b64 := base64.RawURLEncoding.EncodeToString
	return b64([]byte(header)) + "." + b64(plain) + "." + signature
}

// D7: what an assertion must say.
func TestAssertionClaims(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	a := startAssertions(s, "svc")
	s.service("other")
	now := time.Now()
	with := func(pairs ...any) map[string]any {
		c := a.claims()
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == nil {
				delete(c, pairs[i].(string))
			} else {
				c[pairs[i].(string)] = pairs[i+1]
			}
		}
		return c
	}
	for name, c := range map[string]struct {
		claims map[string]any
		ok     bool
	}{
		"good":                     {with(), true},
		"aud the token endpoint":   {with("aud", testIssuer+"/token"), true},
		"aud a list of the issuer": {with("aud", []string{testIssuer}), true},
		"nbf 8 s ahead":            {with("nbf", now.Unix()+8), true},
		"iat 8 s ahead":            {with("iat", now.Unix()+8), true},
		"exp with a fraction":      {with("exp", float64(now.Unix())+60.5), true},
		"no iat":                   {with("iat", nil), true},
		"nbf 60 s ahead":           {with("nbf", now.Unix()+60), false},
		"iat 60 s ahead":           {with("iat", now.Unix()+60), false},
		"expired":                  {with("exp", now.Unix()-300), false},
		"no exp":                   {with("exp", nil), false},
		"exp 0":                    {with("exp", 0), false},
		"exp below 0":              {with("exp", -1), false},
		"exp a string":             {with("exp", "9999999999"), false},
		"exp in 2 h":               {with("exp", now.Unix()+7200), false},
		"exp in 10 years":          {with("exp", now.Add(10*365*24*time.Hour).Unix()), false},
		"exp 1e300":                {with("exp", 1e300), false},
		"no jti":                   {with("jti", nil), false},
		"jti a number":             {with("jti", 7), false},
		"no aud":                   {with("aud", nil), false},
		"aud empty":                {with("aud", ""), false},
		"aud an empty list":        {with("aud", []string{}), false},
		"aud of another issuer":    {with("aud", "https://other.example"), false},
		"aud us and another":       {with("aud", []string{testIssuer, "https://other.example"}), false},
		"aud with a slash":         {with("aud", testIssuer+"/"), false},
		"aud another endpoint":     {with("aud", testIssuer+"/authorize"), false},
		"aud another tenant":       {with("aud", testIssuer+"/t/other"), false},
		"iss of another client":    {with("iss", "other"), false},
		"sub of another client":    {with("sub", "other"), false},
		"both of another client":   {with("iss", "other", "sub", "other"), false},
		"an unknown client":        {with("iss", "nobody", "sub", "nobody"), false},
		"no sub":                   {with("sub", nil), false},
		"no iss":                   {with("iss", nil), false},
		"neither":                  {with("iss", nil, "sub", nil), false},
		"NUL in both":              {with("iss", "a\x00", "sub", "a\x00"), false},
		"a jti with NUL":           {with("jti", "a\x00' OR 1"), true},
		"a long jti":               {with("jti", strings.Repeat("x", 8000)), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.elsewhere(t)
			got := ask(s, "", a.form(c.claims)...)
			if c.ok && got.status != http.StatusOK {
				t.Errorf("got %d %s, want tokens", got.status, got.raw)
			}
			if !c.ok {
				s.fails(got, http.StatusUnauthorized, "invalid_client")
			}
		})
	}
}

// D7, F1, F2, F3: how an assertion must be signed.
func TestAssertionSignatures(t *testing.T) {
	s := startTokens(t)
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	t.Setenv("GODEBUG", "rsa1024min=0")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	a := startAssertions(s, "svc")
	a.client.JWKS = keySetOf(t,
		jose.JSONWebKey{Key: a.key.Public(), KeyID: "k1", Use: "sig", Algorithm: "ES256"},
		jose.JSONWebKey{Key: p384.Public(), KeyID: "p384"},
		jose.JSONWebKey{Key: ed.Public(), KeyID: "ed"},
		jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "rsa"},
		jose.JSONWebKey{Key: stranger.Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: weak.Public(), KeyID: "weak"},
		jose.JSONWebKey{Key: []byte(strings.Repeat("s", 32)), KeyID: "oct"},
	)
	s.put(a.client)
	kid := func(id string) map[jose.HeaderKey]any { return map[jose.HeaderKey]any{"kid": id} }
	der, _ := x509.MarshalPKIXPublicKey(rsaKey.Public())
	publicJWK, _ := json.Marshal(jose.JSONWebKey{Key: stranger.Public()})
	good := a.sign(a.claims())
	parts := strings.Split(good, ".")
	for name, c := range map[string]struct {
		jwt string
		ok  bool
	}{
		"ES256":       {a.sign(a.claims()), true},
		"ES384":       {signJWT(t, jose.ES384, p384, a.claims(), kid("p384")), true},
		"EdDSA":       {signJWT(t, jose.EdDSA, ed, a.claims(), kid("ed")), true},
		"PS256":       {signJWT(t, jose.PS256, rsaKey, a.claims(), kid("rsa")), true},
		"RS256":       {signJWT(t, jose.RS256, rsaKey, a.claims(), kid("rsa")), true},
		"without kid": {signJWT(t, jose.RS256, rsaKey, a.claims(), nil), true},
		"typ of RFC 7523bis": {signJWT(t, jose.ES256, a.key, a.claims(),
			map[jose.HeaderKey]any{"kid": "k1", "typ": "client-authentication+jwt"}), true},
		"typ of a request object": {signJWT(t, jose.ES256, a.key, a.claims(),
			map[jose.HeaderKey]any{"kid": "k1", "typ": "oauth-authz-req+jwt"}), false},
		"typ of a DPoP proof": {signJWT(t, jose.ES256, a.key, a.claims(),
			map[jose.HeaderKey]any{"kid": "k1", "typ": "dpop+jwt"}), false},
		"a stranger's key":          {signJWT(t, jose.ES256, stranger, a.claims(), kid("k1")), false},
		"a key for encryption":      {signJWT(t, jose.ES256, stranger, a.claims(), kid("enc")), false},
		"a weak key":                {signJWT(t, jose.RS256, weak, a.claims(), kid("weak")), false},
		"a shared key":              {signJWT(t, jose.HS256, []byte(strings.Repeat("s", 32)), a.claims(), kid("oct")), false},
		"HS256 with the public key": {signJWT(t, jose.HS256, der, a.claims(), kid("rsa")), false},
		"jwk in the header": {signJWT(t, jose.ES256, stranger, a.claims(),
			map[jose.HeaderKey]any{"jwk": json.RawMessage(publicJWK)}), false},
		"jku in the header": {signJWT(t, jose.ES256, stranger, a.claims(),
			map[jose.HeaderKey]any{"kid": "k1", "jku": "http://127.0.0.1:1/keys"}), false},
		"x5u in the header": {signJWT(t, jose.ES256, stranger, a.claims(),
			map[jose.HeaderKey]any{"kid": "k1", "x5u": "http://127.0.0.1:1/cert"}), false},
		"kid a path": {signJWT(t, jose.ES256, stranger, a.claims(), kid("../../etc/passwd")), false},
		"an unknown crit": {signJWT(t, jose.ES256, a.key, a.claims(),
			map[jose.HeaderKey]any{"kid": "k1", "crit": []string{"x"}, "x": 1}), false},
		"alg none": {unsigned(`{"alg":"none"}`, a.claims(), ""), false},
		"alg NONE": {unsigned(`{"alg":"NONE","kid":"k1"}`, a.claims(), parts[2]), false},
		"no alg":   {unsigned(`{"kid":"k1"}`, a.claims(), parts[2]), false},
		"claims changed": {parts[0] + "." + strings.Split(unsigned("{}", a.claims(), ""), ".")[1] + "." + parts[2],
			false},
		"no signature":       {parts[0] + "." + parts[1] + ".", false},
		"padded":             {good + "=", false},
		"two parts":          {parts[0] + "." + parts[1], false},
		"a JWE, or like one": {good + ".x.y", false},
		"JSON form": {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
			false},
		"dots":              {strings.Repeat(".", 40_000), false},
		"huge":              {strings.Repeat("A", 40_000), false},
		"nothing":           {"x", false},
		"payload no object": {signJWT(t, jose.ES256, a.key, []int{1}, kid("k1")), false},
		"payload deep": {signJWT(t, jose.ES256, a.key,
			json.RawMessage(strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), kid("k1")), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.elsewhere(t)
			got := (&assertions{s, a.client, a.key}).present(c.jwt)
			if c.ok && got.status != http.StatusOK {
				t.Errorf("got %d %s, want tokens", got.status, got.raw)
			}
			if !c.ok {
				s.fails(got, http.StatusUnauthorized, "invalid_client")
			}
		})
	}
}

func TestRegisteredSigningAlgorithm(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	a := startAssertions(s, "svc", func(c *storage.Client) {
		c.TokenEndpointAuthSigningAlg = "PS256"
		c.JWKS = keySetOf(t, jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "r"})
	})
	s.fails(a.present(signJWT(t, jose.RS256, rsaKey, a.claims(), nil)), http.StatusUnauthorized, "invalid_client")
	if got := a.present(signJWT(t, jose.PS256, rsaKey, a.claims(), nil)); got.status != http.StatusOK {
		t.Errorf("got %d %s, want tokens", got.status, got.raw)
	}
}

// D8: an assertion works once, also of many at once; what was refused spends nothing.
func TestAssertionWorksOnce(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	a := startAssertions(s, "svc")
	other := startAssertions(s, "other")

	claims := a.claims()
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.fails(a.present(signJWT(t, jose.ES256, stranger, claims, nil)), http.StatusUnauthorized, "invalid_client")
	claims["aud"] = "https://other.example"
	s.fails(a.present(a.sign(claims)), http.StatusUnauthorized, "invalid_client")
	claims["aud"] = testIssuer
	if got := a.present(a.sign(claims)); got.status != http.StatusOK {
		t.Fatalf("got %d %s: another client's try spent the jti", got.status, got.raw)
	}
	s.fails(a.present(a.sign(claims)), http.StatusUnauthorized, "invalid_client") // signed anew, same jti
	theirs := other.claims()
	theirs["jti"] = claims["jti"]
	if got := other.present(other.sign(theirs)); got.status != http.StatusOK {
		t.Errorf("got %d %s: jti are each client's own", got.status, got.raw)
	}
}

// D8, P8: of many at once, at two replicas, one is believed.
func TestAssertionInParallel(t *testing.T) {
	t.Parallel()
	onEveryDatabase(t, func(t *testing.T, s *tokenServer) {
		here := startAssertions(s, "svc")
		there := &assertions{s.replica(), here.client, here.key}
		jwt := here.sign(here.claims())
		won := 0
		for _, a := range inParallel(50, func(i int) reply { return []*assertions{here, there}[i%2].present(jwt) }) {
			if a.status == http.StatusOK {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d of 50 were believed, want one", won)
		}
	})
}

// D8: where an assertion cannot be remembered it is not believed.
func TestAssertionWhileStorageIsDown(t *testing.T) {
	t.Parallel()
	s, f := startFailing(t)
	a := startAssertions(s, "svc")
	jwt := a.sign(a.claims())
	f.set("Spend")
	s.unavailable(a.present(jwt))
	f.set("")
	if got := a.present(jwt); got.status != http.StatusOK {
		t.Errorf("after the outage: got %d %s, want tokens", got.status, got.raw)
	}
}
