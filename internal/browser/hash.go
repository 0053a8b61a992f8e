package browser

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// BindingHash returns what a sealed letter holds of a Binding.
func BindingHash(binding string) [16]byte {
	sum := sha256.Sum256([]byte(binding))
	return [16]byte(sum[:16])
}

// BeganHere reports whether the hash is that of one of the request's Bindings.
func BeganHere(r *http.Request, hash []byte) bool {
	return Began(r, func(binding string) bool {
		h := BindingHash(binding)
		return subtle.ConstantTimeCompare(h[:], hash) == 1
	})
}
