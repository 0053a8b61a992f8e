package clients

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxVerifications bounds the signature checks for one JWT of a client.
const maxVerifications = 8

// SignedByOne reports whether one of the keys of a client verifies the signature. A key is used only for its own alg
// and use, if it has them (RFC 8725 section 3.1).
func SignedByOne(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) bool {
	alg := signed.Signatures[0].Protected.Algorithm
	tried := 0
	for _, key := range keys {
		if key.Algorithm != "" && !SameAlgorithm(key.Algorithm, alg) || key.Use != "" && key.Use != "sig" {
			continue
		}
		if !key.Valid() || !key.IsPublic() {
			continue // a shared key is neither valid nor public
		}
		if !fits(key.Key, alg) {
			continue
		}
		if tried++; tried > maxVerifications {
			return false
		}
		verifier := key.Key
		if k, ok := verifier.(ed25519.PublicKey); ok {
			verifier = ed25519Verifier(k)
		}
		if _, err := signed.Verify(verifier); err == nil {
			return true
		}
	}
	return false
}

// fits reports whether the algorithm belongs to the key: to its elliptic curve (RFC 7518 section
// 3.4), or to RSA of sufficient size.
func fits(key any, alg string) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
		return curves[alg] == k.Curve
	case *rsa.PublicKey:
		return 8*k.Size() >= MinRSA && (strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS"))
	case ed25519.PublicKey:
		return isEd25519(alg)
	}
	return false
}

// SameAlgorithm reports whether two names stand for one algorithm.
func SameAlgorithm(a, b string) bool {
	return a == b || isEd25519(a) && isEd25519(b)
}

// isEd25519 reports whether alg is one of the two names of EdDSA with Ed25519.
func isEd25519(alg string) bool {
	return alg == string(Ed25519) || alg == string(jose.EdDSA)
}

// ed25519Verifier verifies a signature under either name of the algorithm.
type ed25519Verifier ed25519.PublicKey

// VerifyPayload implements jose.OpaqueVerifier.
func (key ed25519Verifier) VerifyPayload(payload, signature []byte, alg jose.SignatureAlgorithm) error {
	if !isEd25519(string(alg)) || !ed25519.Verify(ed25519.PublicKey(key), payload, signature) {
		return errors.New("wrong signature")
	}
	return nil
}
