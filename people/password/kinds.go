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
	{"$wp$2", parseWordPress},
	{"$argon2i$", parseArgon2}, {"$argon2d$", parseArgon2}, {"$argon2id$v=16$", parseArgon2},
	{"$scrypt$", parseScrypt},
	{"$better-auth$", parseBetterAuth},
	{"$firebase-scrypt$", parseFirebase},
	{"$pbkdf2-", parsePBKDF2},
	{"$P$", parsePhpass}, {"$H$", parsePhpass},
	{"$S$", parseDrupal}, {"U$S$", parseDrupal},
	{"$5$", parseSHACrypt}, {"$6$", parseSHACrypt},
	{"{", parseLDAP},
}

// parseForeign reads a stored hash that is not this program's own Argon2id. It returns ErrForeign if
// the hash is of no known kind or out of bounds.
func parseForeign(text string) (foreign, error) {
	if len(text) > maxForeign {
		return nil, refuse("it is longer than %d bytes", maxForeign)
	}
	for _, kind := range foreignKinds {
		if strings.HasPrefix(text, kind.prefix) {
			return kind.parse(text)
		}
	}
	return nil, refuse("its kind is unknown")
}
