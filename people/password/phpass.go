package password

import (
	"crypto/md5"
	"crypto/subtle"
	"strings"
)

// phpassAlphabet are the digits of phpass's base 64, the lowest first.
const phpassAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// maxPhpass is the greatest binary logarithm of the iterations. It takes a fifth of a second.
const maxPhpass = 20

// phpassHash is the "portable" hash of phpass, $P$ (WordPress, Drupal 6) or $H$ (phpBB), which
// repeats MD5. The character after the prefix is the binary logarithm of the iterations, the next
// eight are the salt, and the last 22 the hash.
type phpassHash struct {
	text       string
	iterations int
}

// parsePhpass reads a phpassHash, or returns ErrForeign.
func parsePhpass(text string) (foreign, error) {
	if len(text) != 34 {
		return nil, refuse("it has not 34 characters")
	}
	n, err := phpassIterations(text)
	return phpassHash{text, n}, err
}

// phpassIterations returns the iterations of a text of phpass or Drupal, whose other characters it checks.
func phpassIterations(text string) (int, error) {
	if !printable(text) || !ofAlphabet(text[12:]) {
		return 0, refuse("it has characters that no such hash has")
	}
	log := strings.IndexByte(phpassAlphabet, text[3])
	return 1 << max(log, 0), within("binary logarithm of the iterations", log, 7, maxPhpass)
}

// ofAlphabet reports whether s has characters of phpassAlphabet alone. bcrypt and crypt have the same, in
// another order.
func ofAlphabet(s string) bool {
	return strings.Trim(s, phpassAlphabet) == ""
}

// String returns the text.
func (h phpassHash) String() string { return h.text }

// matches implements foreign.
func (h phpassHash) matches(password string) bool {
	return h.is(password) || slashed(password) != password && h.is(slashed(password))
}

// is reports whether the hash is that of the password as it is.
func (h phpassHash) is(password string) bool {
	sum := md5.Sum([]byte(h.text[4:12] + password))
	buf := make([]byte, 0, md5.Size+len(password))
	for range h.iterations {
		sum = md5.Sum(append(append(buf, sum[:]...), password...))
	}
	return subtle.ConstantTimeCompare([]byte(phpassEncode(sum[:])), []byte(h.text[12:])) == 1
}

// phpassEncode writes three bytes as four digits, the lowest first.
func phpassEncode(b []byte) string {
	var out []byte
	for i := 0; i < len(b); i += 3 {
		var group uint
		n := min(3, len(b)-i)
		for j := range n {
			group |= uint(b[i+j]) << (8 * j)
		}
		for range n + 1 {
			out = append(out, phpassAlphabet[group&63])
			group >>= 6
		}
	}
	return string(out)
}
