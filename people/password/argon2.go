package password

import (
	"cmp"
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Bounds on the cost of Argon2. They are those of package argon2id.
const (
	maxArgon2Memory  = 256 * 1024  // KiB
	maxArgon2Work    = 1024 * 1024 // KiB, over all passes
	maxArgon2Time    = 64
	maxArgon2Threads = 16
)

// argon2Kinds are the names of Argon2 with y of RFC 9106 section 3.1.
var argon2Kinds = map[string]uint32{"argon2d": 0, "argon2i": 1, "argon2id": 2}

// argon2Hash is a PHC string that begins with $argon2i$, $argon2d$ or $argon2id$ (RFC 9106), of
// version 19 (1.3) or 16 (1.0). Package argon2id verifies Argon2id of version 19.
type argon2Hash struct {
	kind                          string
	version, memory, time, thread int
	salt, key                     []byte
}

// parseArgon2 reads an argon2Hash. It returns ErrForeign for any other text and for costs that are
// out of bounds. A text without a version is of version 16, as the reference implementation has it.
func parseArgon2(text string) (foreign, error) {
	p, err := parsePHC(text, []string{"m", "t", "p"}, 2)
	if err != nil {
		return nil, err
	}
	h := argon2Hash{kind: p.kind}
	if _, ok := argon2Kinds[h.kind]; !ok {
		return nil, refuse("its kind is unknown")
	}
	switch cmp.Or(p.version, "16") {
	case "16":
		h.version = 0x10
	case "19":
		h.version = 0x13
	default:
		return nil, refuse("its version must be 16 or 19")
	}
	var errs [5]error
	h.memory, errs[0] = p.number("m", 8, maxArgon2Memory)
	h.time, errs[1] = p.number("t", 1, maxArgon2Time)
	h.thread, errs[2] = p.number("p", 1, maxArgon2Threads)
	h.salt, errs[3] = p.bytes("salt", 0, 8, maxSalt)
	h.key, errs[4] = p.bytes("key", 1, minKey, maxKey)
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, err
	}
	if h.memory < 8*h.thread {
		return nil, refuse("its memory must be 8 KiB at least for each lane")
	}
	return h, within("memory over all passes, in KiB,", h.memory*h.time, 8, maxArgon2Work)
}

// String returns the PHC string.
func (h argon2Hash) String() string {
	return fmt.Sprintf("$%s$v=%d$m=%d,t=%d,p=%d$%s$%s", h.kind, h.version, h.memory, h.time, h.thread,
		strict.EncodeToString(h.salt), strict.EncodeToString(h.key))
}

// matches implements foreign.
func (h argon2Hash) matches(password string) bool {
	var key []byte
	time, memory, threads, length := uint32(h.time), uint32(h.memory), uint32(h.thread), uint32(len(h.key))
	switch {
	case h.version == 0x13 && h.kind == "argon2i":
		key = argon2.Key([]byte(password), h.salt, time, memory, uint8(threads), length)
	case h.version == 0x13 && h.kind == "argon2id":
		key = argon2.IDKey([]byte(password), h.salt, time, memory, uint8(threads), length)
	default:
		key = oldArgon2{argon2Kinds[h.kind], uint32(h.version), time, memory, threads}.key([]byte(password), h.salt, length)
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1
}
