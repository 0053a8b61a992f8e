package password

import (
	"crypto/md5"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// drupalLength is the length of Drupal's hashes, which end in the middle of the key.
const drupalLength = 55

// drupalHash is $S$ of Drupal 7 to 10: phpass with SHA-512 in the place of MD5. U$S$ marks those that were
// made of the MD5 of Drupal 6 at an upgrade.
type drupalHash struct {
	text       string // without the U
	iterations int
	upgraded   bool
}

// parseDrupal reads a drupalHash, or returns ErrForeign.
func parseDrupal(text string) (foreign, error) {
	text, upgraded := strings.CutPrefix(text, "U")
	if len(text) != drupalLength {
		return nil, refuse("it has not %d characters", drupalLength)
	}
	n, err := phpassIterations(text)
	return drupalHash{text, n, upgraded}, err
}

// String returns the text.
func (h drupalHash) String() string {
	if h.upgraded {
		return "U" + h.text
	}
	return h.text
}

// matches implements foreign.
func (h drupalHash) matches(password string) bool {
	if h.upgraded {
		sum := md5.Sum([]byte(password))
		password = hex.EncodeToString(sum[:])
	}
	sum := sha512.Sum512([]byte(h.text[4:12] + password))
	buf := make([]byte, 0, sha512.Size+len(password))
	for range h.iterations {
		sum = sha512.Sum512(append(append(buf, sum[:]...), password...))
	}
	got := (h.text[:12] + phpassEncode(sum[:]))[:drupalLength]
	return subtle.ConstantTimeCompare([]byte(got), []byte(h.text)) == 1
}
