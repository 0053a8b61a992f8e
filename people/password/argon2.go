package password

import (
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Bounds on the cost of Argon2i and Argon2d. They are those of package argon2id.
const (
	maxArgon2Memory  = 256 * 1024  // KiB
	maxArgon2Work    = 1024 * 1024 // KiB, over all passes
	maxArgon2Time    = 64
	maxArgon2Threads = 16
)

// argon2Hash is a PHC string that begins with $argon2i$ or $argon2d$ (RFC 9106). Argon2id is
// package argon2id's.
type argon2Hash struct {
	kind                 string
	memory, time, thread int
	salt, key            []byte
}

// parseArgon2 reads an argon2Hash. It returns ErrForeign for any other text and for costs that are
// out of bounds.
func parseArgon2(text string) (foreign, error) {
	p, ok := parsePHC(text, []string{"m", "t", "p"}, 2)
	if !ok || p.version != "19" {
		return nil, ErrForeign
	}
	h := argon2Hash{kind: p.kind}
	var ok1, ok2, ok3, ok4, ok5 bool
	h.memory, ok1 = p.number("m", 8, maxArgon2Memory)
	h.time, ok2 = p.number("t", 1, maxArgon2Time)
	h.thread, ok3 = p.number("p", 1, maxArgon2Threads)
	h.salt, ok4 = p.bytes(0, 8, maxSalt)
	h.key, ok5 = p.bytes(1, minKey, maxKey)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || h.memory < 8*h.thread || h.memory*h.time > maxArgon2Work {
		return nil, ErrForeign
	}
	return h, nil
}

// String returns the PHC string.
func (h argon2Hash) String() string {
	return fmt.Sprintf("$%s$v=19$m=%d,t=%d,p=%d$%s$%s", h.kind, h.memory, h.time, h.thread, strict.EncodeToString(h.salt),
		strict.EncodeToString(h.key))
}

// matches implements foreign.
func (h argon2Hash) matches(password string) bool {
	var key []byte
	if h.kind == "argon2d" {
		key = argon2dKey([]byte(password), h.salt, uint32(h.time), uint32(h.memory), uint32(h.thread), uint32(len(h.key)))
	} else {
		key = argon2.Key([]byte(password), h.salt, uint32(h.time), uint32(h.memory), uint8(h.thread), uint32(len(h.key)))
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1
}
