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

// secretMatcher compares client secrets with what is stored of them. Secrets that a
// person chose are hashed slowly (Argon2id); that one matched is remembered for the
// life of the process, as a MAC under a key that only it has, so that a client pays
// for that once and not at every token.
type secretMatcher struct {
	key    [32]byte
	slow   argon2id.Hasher
	nobody []string // the hash of a secret that nobody has

	flight  singleflight.Group
	mu      sync.RWMutex
	matched map[[32]byte]struct{}
}

// maxMatched bounds what is remembered; beyond it everything is forgotten.
const maxMatched = 10_000

func newSecretMatcher() *secretMatcher {
	_, hash := clients.NewSecret()
	m := &secretMatcher{nobody: []string{hash}, matched: map[[32]byte]struct{}{}}
	rand.Read(m.key[:])
	return m
}

// match says whether the secret is that of one of the hashes. An empty one never is.
// admit is asked before a slow comparison, and its error ends the attempt.
func (m *secretMatcher) match(ctx context.Context, hashes []string, secret string, admit func() error) (bool, error) {
	if secret == "" || len(secret) > clients.MaxSecret {
		return false, nil
	}
	// The fast ones first: one secret must not wait for the hash of another.
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

// slowly compares by the slow hash, and remembers the secret when it is the right one.
// Of many who bring the same at once, as a client's many threads do when the server has
// just started, one asks admit and hashes, and the others wait for what comes of it.
func (m *secretMatcher) slowly(ctx context.Context, hash, secret string, admit func() error) (bool, error) {
	mac := m.mac(hash, secret)
	ok, err, _ := m.flight.Do(string(mac[:]), func() (any, error) {
		if m.remembers(hash, secret) { // by now
			return true, nil
		}
		if err := admit(); err != nil {
			return false, err
		}
		// The hash is for all who wait: the first one's going away must not end it.
		ok, err := m.slow.Verify(context.WithoutCancel(ctx), hash, secret)
		if ok && err == nil {
			m.remember(hash, secret)
		}
		return ok, err
	})
	return ok.(bool), err
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
