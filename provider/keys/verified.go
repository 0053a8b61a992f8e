package keys

import (
	"crypto/sha256"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/cache"
)

// verifiedTokens remembers tokens whose signature was verified. An access token is presented many
// times, and verifying it costs more than everything else that userinfo and introspection do. A
// correct signature stays correct, so that nothing here can be out of date: whether the key is
// published, the token unexpired and its grant alive is checked every time. Only tokens that this
// server signed are remembered. The zero value is ready for use.
type verifiedTokens struct {
	recent cache.Recent[[sha256.Size]byte, verified]
}

// verified is a token's claims, and the key that signed it.
type verified struct {
	alg    jose.SignatureAlgorithm
	kid    string
	claims []byte
}

const (
	// maxVerified bounds each generation, which takes 1 or 2 MB with usual claims.
	maxVerified = 2048
	// maxVerifiedClaims bounds the claims of a remembered token, in bytes. Clients influence their
	// size.
	maxVerifiedClaims = 2 << 10
)

// verifiedName returns the key under which a token of that typ at the tenant is remembered.
func verifiedName(tenant, typ, token string) [sha256.Size]byte {
	return sha256.Sum256([]byte(tenant + "\x00" + typ + "\x00" + token))
}

// find returns a remembered token.
func (t *verifiedTokens) find(name [sha256.Size]byte) (verified, bool) {
	return t.recent.Find(name, maxVerified)
}

// keep remembers a token, unless its claims are too large.
func (t *verifiedTokens) keep(name [sha256.Size]byte, v verified) {
	if len(v.claims) <= maxVerifiedClaims {
		t.recent.Keep(name, v, maxVerified)
	}
}
