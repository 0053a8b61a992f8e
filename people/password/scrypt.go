package password

import (
	"cmp"
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

// check returns ErrForeign unless the cost is within the bounds.
func (c scryptCost) check() error {
	err := cmp.Or(within("binary logarithm of N", c.ln, 1, 20), within("parameter r", c.r, 1, 64),
		within("parameter p", c.p, 1, 64))
	if err != nil {
		return err
	}
	memory := 128 * c.r << c.ln
	return cmp.Or(within("bytes of memory", memory, 1, maxScryptMemory),
		within("bytes of memory times p", memory*c.p, 1, maxScryptWork))
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

// newScrypt returns a scryptHash, or ErrForeign.
func newScrypt(cost scryptCost, salt, key []byte) (foreign, error) {
	return scryptHash{cost, salt, key}, cmp.Or(cost.check(), within("bytes of the salt", len(salt), 1, maxSalt),
		within("bytes of the key", len(key), minKey, maxKey))
}

// parseScrypt reads a scryptHash, or returns ErrForeign.
func parseScrypt(text string) (foreign, error) {
	p, err := parsePHC(text, []string{"ln", "r", "p"}, 2)
	if err != nil {
		return nil, err
	}
	if p.version != "" {
		return nil, refuse("it has a version")
	}
	var cost scryptCost
	var errs [5]error
	cost.ln, errs[0] = p.number("ln", 1, 20)
	cost.r, errs[1] = p.number("r", 1, 64)
	cost.p, errs[2] = p.number("p", 1, 64)
	salt, err := p.bytes("salt", 0, 1, maxSalt)
	errs[3] = err
	key, err := p.bytes("key", 1, minKey, maxKey)
	errs[4] = err
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, err
	}
	return newScrypt(cost, salt, key)
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
