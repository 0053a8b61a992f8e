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

// minSecret is the least length of a secret that an administrator chose, in bytes.
const minSecret = 16

// MaxSecret is the greatest length of a secret, in bytes: it bounds the work of hashing.
const MaxSecret = 1024

// madePrefix marks the hashes of secrets that Vouchsafe made: 256 random bits need no slow hash.
const madePrefix = "sha256$"

// madeForm is the form of what NewSecret makes. By the prefix, scanners for leaked secrets find one.
var madeForm = regexp.MustCompile(`^vcs_[A-Za-z0-9_-]{43}$`)

// NewSecret makes a secret of 256 bits, and returns it with the hash to store. Such a secret cannot be
// guessed, so that a fast hash is enough.
func NewSecret() (value, hash string) {
	value = "vcs_" + secret.Token()
	return value, madeHash(value)
}

// HashSecret returns the hash to store of a secret that an administrator chose: a slow one, because
// such a secret may be guessed. A secret that NewSecret made gets its fast one.
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

// MatchSecret reports whether the hash is that of the secret. It may take as long as a slow hash; the token
// endpoint remembers instead which secrets matched.
func MatchSecret(hash, value string) bool {
	if HashIsFast(hash) {
		return subtle.ConstantTimeCompare([]byte(hash), []byte(madeHash(value))) == 1
	}
	ok, err := (&argon2id.Hasher{}).Verify(context.Background(), hash, value)
	return ok && err == nil
}

// SecretID names a secret by its hash, and tells nothing of it.
func SecretID(hash string) string {
	sum := sha256.Sum256([]byte("id of " + hash))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// HashIsFast reports whether Vouchsafe made the secret, so that to compare it with the hash takes
// microseconds.
func HashIsFast(hash string) bool { return strings.HasPrefix(hash, madePrefix) }

// madeHash returns the stored form of a secret that Vouchsafe made: its SHA-256.
func madeHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return madePrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}
