package password

import (
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// betterAuthCost are the parameters of better-auth, which it does not write down.
var betterAuthCost = scryptCost{ln: 14, r: 16, p: 1}

const betterAuthPrefix = "$better-auth$"

// betterAuthHash is better-auth's SALT:KEY in hexadecimal, stored as $better-auth$SALT$KEY: scrypt of the
// password in Unicode's form NFKC. The salt is the text and not what it encodes.
type betterAuthHash struct {
	salt string
	key  []byte
}

// parseBetterAuth reads a betterAuthHash, or returns ErrForeign.
func parseBetterAuth(text string) (foreign, error) {
	salt, rest, _ := strings.Cut(strings.TrimPrefix(text, betterAuthPrefix), "$")
	key, err := hex.DecodeString(rest)
	if err != nil || len(salt) != 32 || strings.Trim(salt, "0123456789abcdef") != "" || len(key) != 64 {
		return nil, refuse("it has not 32 and 128 hexadecimal digits")
	}
	return betterAuthHash{salt, key}, nil
}

// String returns the stored form.
func (h betterAuthHash) String() string {
	return betterAuthPrefix + h.salt + "$" + hex.EncodeToString(h.key)
}

// matches implements foreign.
func (h betterAuthHash) matches(password string) bool {
	key, err := betterAuthCost.key(norm.NFKC.String(password), []byte(h.salt), len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}
