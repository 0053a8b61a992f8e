package password

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrForeign means that a hash of another product is of a kind that cannot be verified here, or
// that it demands more work than any honest hash. An error that wraps it says which, without
// quoting the hash.
var ErrForeign = errors.New("not a hash that can be verified")

// foreign is a hash that another product made. Its work is bounded: the function that parsed it has
// checked its parameters.
type foreign interface {
	matches(password string) bool
	String() string // the stored form
}

// maxForeign bounds the length of a stored hash, in bytes. The longest are those of Firebase, which
// contain the signer key of their project.
const maxForeign = 1024

// refuse returns an ErrForeign with its reason.
func refuse(reason string, values ...any) error {
	return fmt.Errorf("%w: "+reason, append([]any{ErrForeign}, values...)...)
}

// bounded reads a decimal number from low to high. The name of what it counts stands in the error.
func bounded(name, s string, low, high int) (int, error) {
	n, ok := digits(s)
	if !ok {
		return 0, refuse("the %s must be a number", name)
	}
	return n, within(name, n, low, high)
}

// within returns an error unless n is from low to high.
func within(name string, n, low, high int) error {
	if n < low || n > high {
		return refuse("the %s must be from %d to %d, and is %d", name, low, high, n)
	}
	return nil
}

// digits reads a decimal number. It reports false for a number with leading zeros or of more than
// nine digits.
func digits(s string) (int, bool) {
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
	return n, true
}

// printable reports whether s consists of visible ASCII characters.
func printable(s string) bool {
	return bytes.IndexFunc([]byte(s), func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
