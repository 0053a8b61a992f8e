package clients

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"
)

// F1: a key fits one curve only, whatever the length of the signature.
func TestAssertionKeyFitsItsAlgorithm(t *testing.T) {
	t.Parallel()
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	for _, c := range []struct {
		key any
		alg string
		ok  bool
	}{
		{p256.Public(), "ES256", true}, {p384.Public(), "ES256", false}, {p384.Public(), "ES384", true},
		{p256.Public(), "ES384", false}, {p256.Public(), "RS256", false},
		{rsaKey.Public(), "RS256", true}, {rsaKey.Public(), "PS512", true}, {rsaKey.Public(), "ES256", false},
		{rsaKey.Public(), "EdDSA", false}, {[]byte("x"), "HS256", false}, {[]byte("x"), "ES256", false},
	} {
		if got := fits(c.key, c.alg); got != c.ok {
			t.Errorf("%T for %s: got %v, want %v", c.key, c.alg, got, c.ok)
		}
	}
}
