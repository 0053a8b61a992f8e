package password

import (
	"bytes"
	"errors"
	"strings"
)

// ErrForeign says that a hash of another product is of no kind that can be verified, or
// asks for more work than anybody honest does.
var ErrForeign = errors.New("not a hash that can be verified")

// foreign verifies a password by a hash that another product made. Its work is bounded:
// who made one has looked at what the hash asks for.
type foreign interface {
	matches(password string) bool
}

// maxForeign bounds the text of a hash. The longest are Firebase's: they bring their
// project's key along.
const maxForeign = 1024

// foreignKinds are the hashes that are verified, by how their text begins. What Import
// makes of the formats of other products is one of these.
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

// parseForeign reads a stored hash that is not Argon2id. ErrForeign when nobody can, or
// should.
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

// digits reads a number that is written the one way it can be, and within its bounds.
func digits(s string, low, high int) (int, bool) {
	if s == "" || len(s) > 9 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, n >= low && n <= high
}

// printable says whether there are but visible ASCII characters in s.
func printable(s string) bool {
	return bytes.IndexFunc([]byte(s), func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
