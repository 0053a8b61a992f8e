package password

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"strings"
)

// ldapHashes are the hash functions of directories by their scheme: {SSHA} and its family with a salt, {SHA}
// and its family without.
var ldapHashes = map[string]struct {
	hash   func() hash.Hash
	salted bool
}{
	"{MD5}": {md5.New, false}, "{SMD5}": {md5.New, true},
	"{SHA}": {sha1.New, false}, "{SSHA}": {sha1.New, true},
	"{SHA256}": {sha256.New, false}, "{SSHA256}": {sha256.New, true},
	"{SHA384}": {sha512.New384, false}, "{SSHA384}": {sha512.New384, true},
	"{SHA512}": {sha512.New, false}, "{SSHA512}": {sha512.New, true},
}

// ldapHash is one of a directory (RFC 2307 section 5.3): the scheme, then base64 of hash and salt. One hash is
// no hindrance to an attacker who has the database: the next sign-in replaces it.
type ldapHash struct {
	scheme    string
	hash      func() hash.Hash
	key, salt []byte
}

// parseLDAP reads an ldapHash, or returns ErrForeign. The scheme may be in small letters.
func parseLDAP(text string) (foreign, error) {
	scheme, rest, _ := strings.Cut(text, "}")
	h := ldapHash{scheme: strings.ToUpper(scheme) + "}"}
	kind, ok := ldapHashes[h.scheme]
	if !ok {
		return nil, refuse("its kind is unknown")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(rest)
	if err != nil || !printable(rest) {
		return nil, refuse("it is not base64 after %s", h.scheme)
	}
	h.hash = kind.hash
	size := h.hash().Size()
	if len(b) < size {
		return nil, refuse("it is shorter than %d bytes", size)
	}
	h.key, h.salt = b[:size], b[size:]
	if !kind.salted {
		return h, within("bytes of the salt", len(h.salt), 0, 0)
	}
	return h, within("bytes of the salt", len(h.salt), 1, maxSalt)
}

// String returns the stored form.
func (h ldapHash) String() string {
	return h.scheme + base64.StdEncoding.EncodeToString(append(append([]byte{}, h.key...), h.salt...))
}

// matches implements foreign.
func (h ldapHash) matches(password string) bool {
	sum := h.hash()
	sum.Write([]byte(password))
	sum.Write(h.salt)
	return subtle.ConstantTimeCompare(sum.Sum(nil), h.key) == 1
}
