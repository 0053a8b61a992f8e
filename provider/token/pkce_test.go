package token

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

// C8: RFC 7636 section 4.1 has the alphabet and the lengths.
func TestVerifierAlphabet(t *testing.T) {
	t.Parallel()
	for verifier, ok := range map[string]bool{
		strings.Repeat("a", 42):                       false,
		strings.Repeat("a", 43):                       true,
		strings.Repeat("a", 128):                      true,
		strings.Repeat("a", 129):                      false,
		strings.Repeat("-._~", 20) + "AZaz09":         true,
		strings.Repeat("a", 43) + "+":                 false,
		strings.Repeat("a", 43) + "/":                 false,
		strings.Repeat("a", 43) + "=":                 false,
		strings.Repeat("a", 43) + " ":                 false,
		strings.Repeat("a", 43) + "\n":                false,
		strings.Repeat("a", 43) + "é":                 false,
		strings.Repeat("a", 42) + "%7E":               false,
		base64.StdEncoding.EncodeToString([]byte{43}): false,
	} {
		if err := verifyPKCE(challengeOf(verifier), verifier); (err == nil) != ok {
			t.Errorf("%q: got %v, want accepted %v", verifier, err, ok)
		}
	}
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
