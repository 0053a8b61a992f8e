package clientauth

import (
	"crypto/ed25519"
	"errors"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
)

// sameAlgorithm reports whether two names stand for one algorithm.
func sameAlgorithm(a, b string) bool {
	return a == b || isEd25519(a) && isEd25519(b)
}

// isEd25519 reports whether alg is one of the two names of EdDSA with Ed25519.
func isEd25519(alg string) bool {
	return alg == string(clients.Ed25519) || alg == string(jose.EdDSA)
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
