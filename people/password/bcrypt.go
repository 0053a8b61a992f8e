package password

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// maxBcrypt is the greatest cost of bcrypt that is borne: two seconds or so.
const maxBcrypt = 15

// bcryptHash is $2a$, $2b$ or $2y$ (Auth0, PHP, and many others). They differ in the mistakes
// of the programs that once wrote them, none of which are ours. $2x$ marks hashes that
// were made wrongly, and is not among them.
//
// bcrypt sees 72 bytes of a password. That is so until its owner signs in and it is
// hashed anew.
type bcryptHash struct{ text []byte }

func parseBcrypt(text string) (foreign, error) {
	cost, ok := bcryptCost(text)
	if !ok || cost > maxBcrypt {
		return nil, ErrForeign
	}
	return bcryptHash{[]byte(text)}, nil
}

// bcryptCost reads $2y$10$, 22 characters of salt, and 31 of hash.
func bcryptCost(text string) (int, bool) {
	if len(text) != 60 || text[6] != '$' {
		return 0, false
	}
	for _, c := range text[7:] {
		if !strings.ContainsRune(phpassAlphabet, c) { // the same 64 characters, in another order
			return 0, false
		}
	}
	cost, err := bcrypt.Cost([]byte(text))
	return cost, err == nil
}

func (h bcryptHash) matches(password string) bool {
	return bcrypt.CompareHashAndPassword(h.text, []byte(password)) == nil
}

// bcryptSHA256Hash is Django's way around the 72 bytes: bcrypt of the password's SHA-256
// in hexadecimal.
type bcryptSHA256Hash struct{ inner foreign }

const bcryptSHA256Prefix = "bcrypt_sha256$"

func parseBcryptSHA256(text string) (foreign, error) {
	inner, err := parseBcrypt(strings.TrimPrefix(text, bcryptSHA256Prefix))
	return bcryptSHA256Hash{inner}, err
}

func (h bcryptSHA256Hash) matches(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return h.inner.matches(hex.EncodeToString(sum[:]))
}
