package provider

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

// RFC 9864: libraries sign with "Ed25519" by keys, and for clients, that say "EdDSA".
func TestAssertionByEitherNameOfEd25519(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(a *assertions, alg string) string {
		head := unsigned(`{"alg":"`+alg+`"}`, a.claims(), "")
		return head + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(head[:len(head)-1])))
	}
	for _, registered := range []string{"", "EdDSA", "Ed25519"} {
		a := startAssertions(s, "svc-"+registered, func(c *storage.Client) {
			c.TokenEndpointAuthSigningAlg = registered
			c.JWKS = keySetOf(t, jose.JSONWebKey{Key: public, KeyID: "k", Algorithm: registered})
		})
		for _, alg := range []string{"EdDSA", "Ed25519"} {
			if got := a.present(signed(a, alg)); got.status != http.StatusOK {
				t.Errorf("registered for %q, signed with %s: got %d %s, want tokens", registered, alg, got.status, got.raw)
			}
		}
		forged := signed(a, "Ed25519")
		s.fails(a.present(forged[:len(forged)-4]+"AAAA"), http.StatusUnauthorized, "invalid_client")
	}
}
