package keys

import (
	"crypto/sha256"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// verifiedTokens remembers tokens whose signature was verified, because an access token is
// shown again and again, and verifying costs more than all else that userinfo and
// introspection do. A signature that was right stays right, so that there is nothing here
// that could be out of date: whether the key is still published, the token unexpired and
// its grant alive is asked each time. Only what we signed ourselves gets in. The zero value
// is ready.
type verifiedTokens struct {
	mu sync.RWMutex
	// young and old are two halves: when the young one is full it becomes the old one, and
	// what was not asked for meanwhile is forgotten.
	young, old map[[sha256.Size]byte]verified
}

// verified is what a token says, and which key signed it.
type verified struct {
	alg    jose.SignatureAlgorithm
	kid    string
	claims []byte
}

const (
	// maxVerified bounds each half: 1 or 2 MB with usual claims.
	maxVerified = 2048
	// maxVerifiedClaims bounds the claims of one. They hold what clients ask for.
	maxVerifiedClaims = 2 << 10
)

// verifiedName names a token of that typ at a tenant.
func verifiedName(tenant, typ, token string) [sha256.Size]byte {
	return sha256.Sum256([]byte(tenant + "\x00" + typ + "\x00" + token))
}

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
