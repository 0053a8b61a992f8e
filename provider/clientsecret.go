package provider

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

// maxSecret bounds what is hashed.
const maxSecret = 1024

// madePrefix marks the hashes of secrets that Vouchsafe made: 256 random bits need no
// slow hash.
const madePrefix = "sha256$"

// secretMatcher compares client secrets with what is stored of them. Secrets that a
// person chose are hashed slowly (Argon2id); that one matched is remembered for the
// life of the process, as a MAC under a key that only it has, so that a client pays
// for that once and not at every token.
type secretMatcher struct {
	key    [32]byte
	slow   argon2id.Hasher
	nobody []string // the hash of a secret that nobody has

	mu      sync.RWMutex
	matched map[[32]byte]struct{}
}

// maxMatched bounds what is remembered; beyond it everything is forgotten.
const maxMatched = 10_000

func newSecretMatcher() *secretMatcher {
	_, hash := NewClientSecret()
	m := &secretMatcher{nobody: []string{hash}, matched: map[[32]byte]struct{}{}}
	rand.Read(m.key[:])
	return m
}

// match says whether the secret is that of one of the hashes. An empty one never is.
// admit is asked before a slow comparison, and its error ends the attempt.
func (m *secretMatcher) match(ctx context.Context, hashes []string, secret string, admit func() error) (bool, error) {
	if secret == "" || len(secret) > maxSecret {
		return false, nil
	}
	// The fast ones first: one secret must not wait for the hash of another.
	for _, hash := range hashes {
		fast := strings.HasPrefix(hash, madePrefix)
		if fast && MatchClientSecret(hash, secret) || !fast && m.remembers(hash, secret) {
			return true, nil
		}
	}
	for _, hash := range hashes {
		if strings.HasPrefix(hash, madePrefix) {
			continue
		}
		if err := admit(); err != nil {
			return false, err
		}
		ok, err := m.slow.Verify(ctx, hash, secret)
		if errors.Is(err, argon2id.ErrBusy) {
			return false, &oauthError{Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable", Description: "The server is busy. Try again.", Err: err}
		}
		if err != nil {
			return false, fmt.Errorf("compare client secret: %w", err)
		}
		if ok {
			m.remember(hash, secret)
			return true, nil
		}
	}
	return false, nil
}

// matchNobody compares as match does for a client that is there.
func (m *secretMatcher) matchNobody(secret string) {
	_, _ = m.match(context.Background(), m.nobody, secret, func() error { return nil })
}

func (m *secretMatcher) remembers(hash, secret string) bool {
	mac := m.mac(hash, secret)
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.matched[mac]
	return ok
}

func (m *secretMatcher) remember(hash, secret string) {
	mac := m.mac(hash, secret)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.matched) >= maxMatched {
		clear(m.matched)
	}
	m.matched[mac] = struct{}{}
}

// mac covers the hash, so that a secret is forgotten with the hash it matched.
func (m *secretMatcher) mac(hash, secret string) (out [32]byte) {
	h := hmac.New(sha256.New, m.key[:])
	h.Write([]byte(hash))
	h.Write([]byte{0})
	h.Write([]byte(secret))
	h.Sum(out[:0])
	return out
}
