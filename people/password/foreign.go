package password

import (
	"bytes"
	"errors"
)

// ErrForeign means that a hash of another product is of a kind that cannot be verified here, or
// that it demands more work than any honest hash.
var ErrForeign = errors.New("not a hash that can be verified")

// foreign is a hash that another product made. Its work is bounded: the function that parsed it has
// checked its parameters.
type foreign interface {
	matches(password string) bool
}

// maxForeign bounds the length of a stored hash, in bytes. The longest are those of Firebase, which
// contain the signer key of their project.
const maxForeign = 1024

// digits reads a decimal number from low to high. It reports false for a number with leading zeros
// or of more than nine digits.
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

// printable reports whether s consists of visible ASCII characters.
func printable(s string) bool {
	return bytes.IndexFunc([]byte(s), func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
