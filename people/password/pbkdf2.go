package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
)

// maxPBKDF2 bounds the iterations over all blocks of the key, which take about two seconds.
// Keycloak and Django use more than a million by now.
const maxPBKDF2 = 5_000_000

// pbkdf2Hashes are the hash functions by the algorithm's name.
var pbkdf2Hashes = map[string]func() hash.Hash{
	"pbkdf2-sha1": sha1.New, "pbkdf2-sha256": sha256.New, "pbkdf2-sha512": sha512.New,
}

// pbkdf2Hash is $pbkdf2-sha256$i=600000$SALT$KEY (RFC 8018), or the same with SHA-1 or SHA-512.
type pbkdf2Hash struct {
	kind       string
	iterations int
	salt, key  []byte
}

// parsePBKDF2 reads a pbkdf2Hash, or returns ErrForeign.
func parsePBKDF2(text string) (foreign, error) {
	p, ok := parsePHC(text, []string{"i"}, 2)
	if !ok || p.version != "" || pbkdf2Hashes[p.kind] == nil {
		return nil, ErrForeign
	}
	h := pbkdf2Hash{kind: p.kind}
	var ok1, ok2, ok3 bool
	h.iterations, ok1 = p.number("i", 1, maxPBKDF2)
	h.salt, ok2 = p.bytes(0, 1, maxSalt)
	h.key, ok3 = p.bytes(1, minKey, maxKey)
	if !ok1 || !ok2 || !ok3 || !h.bearable() {
		return nil, ErrForeign
	}
	return h, nil
}

// bearable reports whether the work is within the bound.
func (h pbkdf2Hash) bearable() bool {
	size := pbkdf2Hashes[h.kind]().Size()
	blocks := (len(h.key) + size - 1) / size
	return h.iterations*blocks <= maxPBKDF2
}

// String returns the stored form.
func (h pbkdf2Hash) String() string {
	return fmt.Sprintf("$%s$i=%d$%s$%s", h.kind, h.iterations, strict.EncodeToString(h.salt), strict.EncodeToString(h.key))
}

// matches implements foreign.
func (h pbkdf2Hash) matches(password string) bool {
	key, err := pbkdf2.Key(pbkdf2Hashes[h.kind], password, h.salt, h.iterations, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}
