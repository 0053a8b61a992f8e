package password

import (
	"strings"
)

// foreignKinds are the hashes that can be verified, by how their text begins. Import converts the
// formats of other products to these.
var foreignKinds = []struct {
	prefix string
	parse  func(text string) (foreign, error)
}{
	{"$2a$", parseBcrypt}, {"$2b$", parseBcrypt}, {"$2y$", parseBcrypt},
	{"bcrypt_sha256$$2", parseBcryptSHA256},
	{"$argon2i$", parseArgon2}, {"$argon2d$", parseArgon2},
	{"$scrypt$", parseScrypt},
	{"$pbkdf2-", parsePBKDF2},
	{"$firebase-scrypt$", parseFirebase},
	{"$P$", parsePhpass}, {"$H$", parsePhpass},
}

// parseForeign reads a stored hash that is not Argon2id. It returns ErrForeign if the hash is of no
// known kind or out of bounds.
func parseForeign(text string) (foreign, error) {
	if len(text) > maxForeign {
		return nil, ErrForeign
	}
	for _, kind := range foreignKinds {
		if strings.HasPrefix(text, kind.prefix) {
			return kind.parse(text)
		}
	}
	return nil, ErrForeign
}
