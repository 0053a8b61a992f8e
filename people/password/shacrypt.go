package password

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"hash"
	"strings"

	"github.com/go-crypt/x/crypt"
)

const (
	// minSHACrypt and maxSHACrypt bound the rounds, which take about a second.
	minSHACrypt, maxSHACrypt = 1000, 1_000_000
	// maxCryptPassword is the longest password that Unix systems hash, in bytes (libxcrypt).
	maxCryptPassword = 511
)

// shaCryptHash is the crypt of Unix systems with SHA-256, $5$, or SHA-512, $6$: $6$SALT$KEY for 5000 rounds,
// or $6$rounds=N$SALT$KEY.
type shaCryptHash struct {
	text      string
	hash      func() hash.Hash
	rounds    int
	salt, key string
}

// parseSHACrypt reads a shaCryptHash, or returns ErrForeign.
func parseSHACrypt(text string) (foreign, error) {
	h, length := shaCryptHash{text: text, hash: sha256.New, rounds: 5000}, 43
	if strings.HasPrefix(text, "$6$") {
		h.hash, length = sha512.New, 86
	}
	parts := strings.Split(text[3:], "$")
	if rounds, found := strings.CutPrefix(parts[0], "rounds="); found {
		n, err := bounded("rounds", rounds, minSHACrypt, maxSHACrypt)
		if err != nil {
			return nil, err
		}
		h.rounds, parts = n, parts[1:]
	}
	if len(parts) != 2 {
		return nil, refuse("it has not the form $6$rounds=N$SALT$KEY")
	}
	h.salt, h.key = parts[0], parts[1]
	if !ofAlphabet(h.key) || len(h.key) != length || !printable(h.salt) {
		return nil, refuse("it has not %d characters of key", length)
	}
	return h, within("bytes of the salt", len(h.salt), 0, 16)
}

// String returns the text.
func (h shaCryptHash) String() string { return h.text }

// matches implements foreign.
func (h shaCryptHash) matches(password string) bool {
	if len(password) > maxCryptPassword {
		return false
	}
	key := crypt.KeySHACrypt(h.hash, []byte(password), []byte(h.salt), h.rounds)
	return subtle.ConstantTimeCompare(key, []byte(h.key)) == 1
}
