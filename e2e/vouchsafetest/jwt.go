package vouchsafetest

import (
	"crypto"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

// Algorithms are the algorithms that Vouchsafe may sign with.
var Algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}

// Keys returns the server's public keys.
func (a *API) Keys(t testing.TB) jose.JSONWebKeySet {
	t.Helper()
	r := a.Do(t, a.Request(t, http.MethodGet, "/jwks", "", ""))
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(r.Raw), &set); err != nil || r.Status != http.StatusOK {
		t.Fatalf("JWKS: got %d %s: %v", r.Status, r.Raw, err)
	}
	return set
}

// Token is a verified JWT.
type Token struct {
	Header jose.Header
	Claims map[string]any
}

// String returns the claim with that name, or "".
func (k *Token) String(name string) string {
	s, _ := k.Claims[name].(string)
	return s
}

// Int returns the claim with that name, or 0.
func (k *Token) Int(name string) int64 {
	f, _ := k.Claims[name].(float64)
	return int64(f)
}

// Audience returns aud as a list.
func (k *Token) Audience() []string {
	switch aud := k.Claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var out []string
		for _, v := range aud {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// Verify verifies the signature with the published key that the token names.
func (a *API) Verify(t testing.TB, token string) *Token {
	t.Helper()
	sig, err := jose.ParseSignedCompact(token, Algorithms)
	if err != nil {
		t.Fatalf("%.40s… is no JWT: %v", token, err)
	}
	head := sig.Signatures[0].Header
	set := a.Keys(t)
	keys := set.Key(head.KeyID)
	if head.KeyID == "" || len(keys) != 1 {
		t.Fatalf("got kid %q, which names %d published keys, want 1", head.KeyID, len(keys))
	}
	if keys[0].Algorithm != head.Algorithm {
		t.Errorf("got a token signed with %s by a key for %s", head.Algorithm, keys[0].Algorithm)
	}
	payload, err := sig.Verify(keys[0])
	if err != nil {
		t.Fatalf("the signature of %.40s…: %v", token, err)
	}
	out := &Token{Header: head}
	if err := json.Unmarshal(payload, &out.Claims); err != nil {
		t.Fatal(err)
	}
	return out
}

// IDToken verifies the ID token of a reply, and checks what must hold for every ID token (OpenID
// Connect Core section 2) at the time when the reply came, because the test may have waited since.
func (a *API) IDToken(t testing.TB, c Client, r *Request, reply *Reply) *Token {
	t.Helper()
	k := a.Verify(t, reply.ID())
	now := reply.Received.Unix()
	switch {
	case k.String("iss") != a.Server.Issuer:
		t.Errorf("ID token: got iss %q, want %q", k.String("iss"), a.Server.Issuer)
	case !slices.Equal(k.Audience(), []string{c.ID()}):
		t.Errorf("ID token: got aud %v, want %v", k.Audience(), c.ID())
	case k.Claims["azp"] != nil && k.String("azp") != c.ID():
		t.Errorf("ID token: got azp %v, want %s", k.Claims["azp"], c.ID())
	case k.Int("exp") <= now || k.Int("iat") > now+1 || k.Int("iat") < now-120:
		t.Errorf("ID token: got iat %d and exp %d in a reply of %d", k.Int("iat"), k.Int("exp"), now)
	case r != nil && k.String("nonce") != r.Params.Get("nonce"):
		t.Errorf("ID token: got nonce %q, want %q", k.String("nonce"), r.Params.Get("nonce"))
	case k.String("sub") == "" || len(k.String("sub")) > 255:
		t.Errorf("ID token: got sub %q", k.String("sub"))
	case k.Header.ExtraHeaders[jose.HeaderType] == "at+jwt":
		t.Error("ID token: got typ at+jwt, which is an access token's")
	}
	return k
}

// AccessToken verifies an access token, and checks what RFC 9068 demands of every one.
func (a *API) AccessToken(t testing.TB, c Client, token string) *Token {
	t.Helper()
	k := a.Verify(t, token)
	if got := k.Header.ExtraHeaders[jose.HeaderType]; got != "at+jwt" {
		t.Errorf("access token: got typ %v, want at+jwt", got)
	}
	if k.String("iss") != a.Server.Issuer || k.String("client_id") != c.ID() {
		t.Errorf("access token: got iss %q and client_id %q, want %q and %q", k.String("iss"), k.String("client_id"),
			a.Server.Issuer, c.ID())
	}
	for _, name := range []string{"sub", "aud", "exp", "iat", "jti"} {
		if k.Claims[name] == nil {
			t.Errorf("access token: got no %s", name)
		}
	}
	return k
}

// Sign returns a JWT.
func Sign(t testing.TB, alg jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any,
	claims map[string]any,
) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sig.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// KeySet returns the public half of a key as a value for the metadata jwks.
func KeySet(key crypto.Signer, kid, alg string) map[string]any {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: kid,
		Algorithm: alg, Use: "sig"}}})
	if err != nil {
		panic(err) // tests use keys of known kinds only
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

// AssertionClaims returns the claims of a valid client assertion (RFC 7523 section 3).
func (s *Server) AssertionClaims(client string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": client, "sub": client, "aud": s.Issuer, "jti": uuid.NewString(), "iat": now, "exp": now + 60,
	}
}

// AssertionType is the value of client_assertion_type.
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
