package clientauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/ory/fosite"
	"golang.org/x/sync/singleflight"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

// secretMatcher compares client secrets with their stored hashes. Secrets that an administrator
// chose have slow hashes (Argon2id). A match is remembered for the life of the process, as a MAC
// under a key that exists in this process only, so that a client pays for the slow hash once and
// not for every token.
type secretMatcher struct {
	key  [32]byte
	slow argon2id.Hasher
	none []string // the hash of a secret that no client has

	flight  singleflight.Group
	mu      sync.RWMutex
	matched map[[32]byte]struct{}
}

// maxMatched bounds how many matches are remembered. Beyond it, all are dropped.
const maxMatched = 10_000

// newSecretMatcher returns a matcher with a new random key.
func newSecretMatcher() *secretMatcher {
	_, hash := clients.NewSecret()
	m := &secretMatcher{none: []string{hash}, matched: map[[32]byte]struct{}{}}
	rand.Read(m.key[:])
	return m
}

// match reports whether one of the hashes is that of the secret. An empty secret never matches.
// admit is called before a slow comparison, and an error of it ends the attempt.
func (m *secretMatcher) match(ctx context.Context, hashes []string, secret string, admit func() error) (bool, error) {
	if secret == "" || len(secret) > clients.MaxSecret {
		return false, nil
	}
	// Fast hashes come first: a secret with a fast hash must not wait for the slow hash of another.
	for _, hash := range hashes {
		fast := clients.HashIsFast(hash)
		if fast && clients.MatchSecret(hash, secret) || !fast && m.remembers(hash, secret) {
			return true, nil
		}
	}
	for _, hash := range hashes {
		if clients.HashIsFast(hash) {
			continue
		}
		ok, err := m.slowly(ctx, hash, secret, admit)
		if errors.Is(err, argon2id.ErrBusy) {
			return false, fosite.ErrTemporarilyUnavailable.WithDescription("The server is busy. Try again.").WithWrap(err)
		}
		var refused *fosite.RFC6749Error
		if errors.As(err, &refused) {
			return false, refused
		}
		if err != nil {
			return false, fmt.Errorf("compare client secret: %w", err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// slowly compares with a slow hash, and remembers a match. A client's threads may all bring the
// same secret at once when the server has just started. One of them calls admit and hashes, and the
// others wait for its result.
func (m *secretMatcher) slowly(ctx context.Context, hash, secret string, admit func() error) (bool, error) {
	mac := m.mac(hash, secret)
	ok, err, _ := m.flight.Do(string(mac[:]), func() (any, error) {
		if m.remembers(hash, secret) { // another caller has matched it meanwhile
			return true, nil
		}
		if err := admit(); err != nil {
			return false, err
		}
		// All callers that wait share the hash, so that it must not end when the first of them goes
		// away.
		ok, err := m.slow.Verify(context.WithoutCancel(ctx), hash, secret)
		if ok && err == nil {
			m.remember(hash, secret)
		}
		return ok, err
	})
	return ok.(bool), err
}

// matchNone compares as match does for a client that exists, and never matches.
func (m *secretMatcher) matchNone(secret string) {
	_, _ = m.match(context.Background(), m.none, secret, func() error { return nil })
}

// remembers reports whether the secret has matched the hash before.
func (m *secretMatcher) remembers(hash, secret string) bool {
	mac := m.mac(hash, secret)
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.matched[mac]
	return ok
}

// remember records that the secret matches the hash.
func (m *secretMatcher) remember(hash, secret string) {
	mac := m.mac(hash, secret)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.matched) >= maxMatched {
		clear(m.matched)
	}
	m.matched[mac] = struct{}{}
}

// mac returns the name of a match. It covers the hash, so that a match is forgotten together with
// the hash.
func (m *secretMatcher) mac(hash, secret string) (out [32]byte) {
	h := hmac.New(sha256.New, m.key[:])
	h.Write([]byte(hash))
	h.Write([]byte{0})
	h.Write([]byte(secret))
	h.Sum(out[:0])
	return out
}
