package provider

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"regexp"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// minSecret is the least length of a secret that somebody chose, in bytes.
const minSecret = 16

// madeForm is what NewClientSecret makes. The prefix lets scanners of leaked secrets
// know one.
var madeForm = regexp.MustCompile(`^vcs_[A-Za-z0-9_-]{43}$`)

// NewClientSecret makes a secret of 256 bits and what is stored of it. Nobody can guess
// such a secret, so that a fast hash is enough.
func NewClientSecret() (value, hash string) {
	value = "vcs_" + secret.Token()
	return value, madeHash(value)
}

// HashClientSecret is what is stored of a secret that somebody chose: a slow hash,
// because it may be guessed. One that NewClientSecret made keeps its fast one.
func HashClientSecret(s string) (string, error) {
	switch {
	case madeForm.MatchString(s):
		return madeHash(s), nil
	case len(s) < minSecret:
		return "", fmt.Errorf("the secret has %d characters: write at least %d, or let Vouchsafe make one", len(s), minSecret)
	case len(s) > maxSecret:
		return "", fmt.Errorf("the secret has %d bytes: write at most %d", len(s), maxSecret)
	case !wellFormed(s):
		return "", fmt.Errorf("the secret is not UTF-8 text")
	}
	return (&argon2id.Hasher{}).Hash(context.Background(), s)
}

// MatchClientSecret says whether the hash is the secret's. It may take as long as a slow
// hash does: the token endpoint, which remembers, has secretMatcher.
func MatchClientSecret(hash, value string) bool {
	if strings.HasPrefix(hash, madePrefix) {
		return subtle.ConstantTimeCompare([]byte(hash), []byte(madeHash(value))) == 1
	}
	ok, err := (&argon2id.Hasher{}).Verify(context.Background(), hash, value)
	return ok && err == nil
}

func madeHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return madePrefix + strictBase64.EncodeToString(sum[:])
}
