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
	iterations int
	salt, hash string
}

// parsePhpass reads a phpassHash, or returns ErrForeign.
func parsePhpass(text string) (foreign, error) {
	if len(text) != 34 {
		return nil, ErrForeign
	}
	log := strings.IndexByte(phpassAlphabet, text[3])
	if log < 7 || log > maxPhpass {
		return nil, ErrForeign
	}
	for _, c := range text[12:] {
		if !strings.ContainsRune(phpassAlphabet, c) {
			return nil, ErrForeign
		}
	}
	if !printable(text) {
		return nil, ErrForeign
	}
	return phpassHash{1 << log, text[4:12], text[12:]}, nil
}

// matches implements foreign.
func (h phpassHash) matches(password string) bool {
	sum := md5.Sum([]byte(h.salt + password))
	buf := make([]byte, 0, md5.Size+len(password))
	for range h.iterations {
		sum = md5.Sum(append(append(buf, sum[:]...), password...))
	}
	return subtle.ConstantTimeCompare([]byte(phpassEncode(sum[:])), []byte(h.hash)) == 1
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
