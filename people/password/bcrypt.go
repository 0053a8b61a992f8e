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
	if len(text) != 60 || text[6] != '$' || !ofAlphabet(text[7:]) {
		return nil, refuse("it has not the form $2b$COST$ and 53 characters of salt and hash")
	}
	cost, err := bcrypt.Cost([]byte(text))
	if err != nil {
		return nil, refuse("bcrypt does not read it")
	}
	return bcryptHash{[]byte(text)}, within("cost", cost, bcrypt.MinCost, maxBcrypt)
}

// String returns the text.
func (h bcryptHash) String() string { return string(h.text) }

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

// String returns the text.
func (h bcryptSHA256Hash) String() string { return bcryptSHA256Prefix + h.inner.String() }

// matches implements foreign.
func (h bcryptSHA256Hash) matches(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return h.inner.matches(hex.EncodeToString(sum[:]))
}
