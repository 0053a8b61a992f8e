package password

import (
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/scrypt"
)

// Bounds on the cost of scrypt: about a second, and as much memory as Argon2id may take. Both are
// in bytes.
const (
	maxScryptMemory = 256 << 20
	maxScryptWork   = 384 << 20 // memory times p
)

// scryptCost are the parameters of RFC 7914: N = 2^ln, r and p.
type scryptCost struct{ ln, r, p int }

// bearable reports whether the cost is within the bounds.
func (c scryptCost) bearable() bool {
	if c.ln < 1 || c.ln > 20 || c.r < 1 || c.r > 64 || c.p < 1 || c.p > 64 {
		return false
	}
	memory := 128 * c.r << c.ln
	return memory <= maxScryptMemory && memory*c.p <= maxScryptWork
}

// key derives a key of that length.
func (c scryptCost) key(password string, salt []byte, length int) ([]byte, error) {
	return scrypt.Key([]byte(password), salt, 1<<c.ln, c.r, c.p, length)
}

// scryptHash is $scrypt$ln=15,r=8,p=1$SALT$KEY (RFC 7914).
type scryptHash struct {
	cost      scryptCost
	salt, key []byte
}

// parseScrypt reads a scryptHash, or returns ErrForeign.
func parseScrypt(text string) (foreign, error) {
	p, ok := parsePHC(text, []string{"ln", "r", "p"}, 2)
	if !ok || p.version != "" {
		return nil, ErrForeign
	}
	var h scryptHash
	var ok1, ok2, ok3, ok4, ok5 bool
	h.cost.ln, ok1 = p.number("ln", 1, 20)
	h.cost.r, ok2 = p.number("r", 1, 64)
	h.cost.p, ok3 = p.number("p", 1, 64)
	h.salt, ok4 = p.bytes(0, 1, maxSalt)
	h.key, ok5 = p.bytes(1, minKey, maxKey)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !h.cost.bearable() {
		return nil, ErrForeign
	}
	return h, nil
}

// String returns the stored form.
func (h scryptHash) String() string {
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", h.cost.ln, h.cost.r, h.cost.p, strict.EncodeToString(h.salt),
		strict.EncodeToString(h.key))
}

// matches implements foreign.
func (h scryptHash) matches(password string) bool {
	key, err := h.cost.key(password, h.salt, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}
