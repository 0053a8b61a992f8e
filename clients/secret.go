package clients

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// minSecret is the least length of a secret that somebody chose, in bytes.
const minSecret = 16

// MaxSecret bounds what is hashed, in bytes.
const MaxSecret = 1024

// madePrefix marks the hashes of secrets that Vouchsafe made: 256 random bits need no
// slow hash.
const madePrefix = "sha256$"

// madeForm is what NewSecret makes. The prefix lets scanners of leaked secrets
// know one.
var madeForm = regexp.MustCompile(`^vcs_[A-Za-z0-9_-]{43}$`)

// NewSecret makes a secret of 256 bits and what is stored of it. Nobody can guess
// such a secret, so that a fast hash is enough.
func NewSecret() (value, hash string) {
	value = "vcs_" + secret.Token()
	return value, madeHash(value)
}

// HashSecret is what is stored of a secret that somebody chose: a slow hash,
// because it may be guessed. One that NewSecret made keeps its fast one.
func HashSecret(s string) (string, error) {
	switch {
	case madeForm.MatchString(s):
		return madeHash(s), nil
	case len(s) < minSecret:
		return "", fmt.Errorf("the secret has %d characters: write at least %d, or let Vouchsafe make one", len(s), minSecret)
	case len(s) > MaxSecret:
		return "", fmt.Errorf("the secret has %d bytes: write at most %d", len(s), MaxSecret)
	case !storage.WellFormed(s):
		return "", fmt.Errorf("the secret is not UTF-8 text")
	}
	return (&argon2id.Hasher{}).Hash(context.Background(), s)
}

// MatchSecret says whether the hash is the secret's. It may take as long as a slow
// hash does: the token endpoint, which remembers, has secretMatcher.
func MatchSecret(hash, value string) bool {
	if HashIsFast(hash) {
		return subtle.ConstantTimeCompare([]byte(hash), []byte(madeHash(value))) == 1
	}
	ok, err := (&argon2id.Hasher{}).Verify(context.Background(), hash, value)
	return ok && err == nil
}

// HashIsFast says whether comparing a secret with the hash takes microseconds, because Vouchsafe made
// the secret, instead of the time of a slow hash.
func HashIsFast(hash string) bool { return strings.HasPrefix(hash, madePrefix) }

func madeHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return madePrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}
