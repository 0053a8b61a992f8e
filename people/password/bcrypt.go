package password

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// maxBcrypt is the greatest cost of bcrypt that is accepted. It takes about two seconds.
const maxBcrypt = 15

// bcryptHash is a hash that begins with $2a$, $2b$ or $2y$, as Auth0, PHP and many others make it.
// The three differ only in mistakes of programs that wrote them long ago. $2x$ marks hashes that
// were computed wrongly, and is not accepted.
//
// bcrypt uses only the first 72 bytes of a password. That remains so until the user signs in and
// the password is hashed anew.
type bcryptHash struct{ text []byte }

// parseBcrypt reads a bcryptHash. It returns ErrForeign for any other text and for a cost that is
// out of bounds.
func parseBcrypt(text string) (foreign, error) {
	cost, ok := bcryptCost(text)
	if !ok || cost > maxBcrypt {
		return nil, ErrForeign
	}
	return bcryptHash{[]byte(text)}, nil
}

// bcryptCost returns the cost in a text of the form $2y$10$, 22 characters of salt, and 31 of hash.
func bcryptCost(text string) (int, bool) {
	if len(text) != 60 || text[6] != '$' {
		return 0, false
	}
	for _, c := range text[7:] {
		if !strings.ContainsRune(phpassAlphabet, c) { // bcrypt has the same 64 characters in another order
			return 0, false
		}
	}
	cost, err := bcrypt.Cost([]byte(text))
	return cost, err == nil
}

// matches implements foreign.
func (h bcryptHash) matches(password string) bool {
	return bcrypt.CompareHashAndPassword(h.text, []byte(password)) == nil
}

// bcryptSHA256Hash is Django's way around the limit of 72 bytes: the bcrypt of the password's
// SHA-256 in hexadecimal.
type bcryptSHA256Hash struct{ inner foreign }

const bcryptSHA256Prefix = "bcrypt_sha256$"

// parseBcryptSHA256 reads a bcryptSHA256Hash, or returns ErrForeign.
func parseBcryptSHA256(text string) (foreign, error) {
	inner, err := parseBcrypt(strings.TrimPrefix(text, bcryptSHA256Prefix))
	return bcryptSHA256Hash{inner}, err
}

// matches implements foreign.
func (h bcryptSHA256Hash) matches(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return h.inner.matches(hex.EncodeToString(sum[:]))
}
