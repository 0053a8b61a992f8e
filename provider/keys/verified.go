package keys

import (
	"crypto/sha256"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// verifiedTokens remembers tokens whose signature was verified. An access token is presented many
// times, and verifying it costs more than everything else that userinfo and introspection do. A
// correct signature stays correct, so that nothing here can be out of date: whether the key is
// published, the token unexpired and its grant alive is checked every time. Only tokens that this
// server signed are remembered. The zero value is ready for use.
type verifiedTokens struct {
	mu sync.RWMutex
	// young and old are two generations. When young is full it becomes old, and tokens of the
	// former old that were not used meanwhile are dropped.
	young, old map[[sha256.Size]byte]verified
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

// find returns a remembered token, and makes it young again.
func (t *verifiedTokens) find(name [sha256.Size]byte) (verified, bool) {
	t.mu.RLock()
	v, young := t.young[name]
	if young {
		t.mu.RUnlock()
		return v, true
	}
	v, ok := t.old[name]
	t.mu.RUnlock()
	if ok {
		t.keep(name, v)
	}
	return v, ok
}

// keep remembers a token, unless its claims are too large.
func (t *verifiedTokens) keep(name [sha256.Size]byte, v verified) {
	if len(v.claims) > maxVerifiedClaims {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.young == nil || len(t.young) >= maxVerified {
		t.young, t.old = make(map[[sha256.Size]byte]verified), t.young
	}
	t.young[name] = v
}
