package password

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"strings"
)

// wordPressHash is $wp$2y$…, which WordPress makes since version 6.8: the bcrypt of a keyed SHA-384 of the
// password, so that no part of a long password is cut off.
type wordPressHash struct{ inner foreign }

const wordPressPrefix = "$wp"

// parseWordPress reads a wordPressHash, or returns ErrForeign.
func parseWordPress(text string) (foreign, error) {
	inner, err := parseBcrypt(strings.TrimPrefix(text, wordPressPrefix))
	return wordPressHash{inner}, err
}

// String returns the text.
func (h wordPressHash) String() string { return wordPressPrefix + h.inner.String() }

// matches implements foreign.
func (h wordPressHash) matches(password string) bool {
	return h.is(password) || slashed(password) != password && h.is(slashed(password))
}

// is reports whether the hash is that of the password as it is.
func (h wordPressHash) is(password string) bool {
	mac := hmac.New(sha512.New384, []byte("wp-sha384"))
	mac.Write([]byte(password))
	return h.inner.matches(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// slashed returns the password as WordPress hashes it where a form sent it: with a backslash before each
// quote and backslash. Only a command line and some plugins hash what was typed.
func slashed(password string) string {
	return slashes.Replace(password)
}

var slashes = strings.NewReplacer(`'`, `\'`, `"`, `\"`, `\`, `\\`)
