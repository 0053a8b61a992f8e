package password

import (
	"cmp"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
)

// maxPBKDF2 bounds the iterations, which take about two seconds. Keycloak and Django use more than a
// million by now.
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

// newPBKDF2 returns a pbkdf2Hash, or ErrForeign. Of a key that is longer than the hash function's output
// only the first block is kept: the others cost their work again and make no guess harder, because an
// attacker would compute the first alone.
func newPBKDF2(kind string, iterations int, salt, key []byte) (foreign, error) {
	hash := pbkdf2Hashes[kind]
	if hash == nil {
		return nil, refuse("its kind is unknown")
	}
	err := cmp.Or(within("iterations", iterations, 1, maxPBKDF2), within("bytes of the salt", len(salt), 1, maxSalt),
		within("bytes of the key", len(key), minKey, maxKey))
	return pbkdf2Hash{kind, iterations, salt, key[:min(len(key), hash().Size())]}, err
}

// parsePBKDF2 reads a pbkdf2Hash, or returns ErrForeign. Some products add the length of the key as l.
func parsePBKDF2(text string) (foreign, error) {
	p, err := parsePHC(text, []string{"i"}, 2)
	if err != nil {
		if p, err = parsePHC(text, []string{"i", "l"}, 2); err != nil {
			return nil, err
		}
	}
	if p.version != "" {
		return nil, refuse("it has a version")
	}
	n, err1 := p.number("i", 1, maxPBKDF2)
	salt, err2 := p.bytes("salt", 0, 1, maxSalt)
	key, err3 := p.bytes("key", 1, minKey, maxKey)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, err
	}
	return newPBKDF2(p.kind, n, salt, key)
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
