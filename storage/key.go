package storage

import (
	"context"
	"time"
)

// Key is a signing key of a tenant.
type Key struct {
	TenantID  string
	ID        string // kid: the RFC 7638 thumbprint
	Algorithm string // ES256, RS256, EdDSA
	// Sequence numbers the keys of an algorithm, from 1. It is unique, so that one of many
	// replicas that rotate at the same time succeeds.
	Sequence  int64
	Public    []byte    // JWK
	Private   []byte    // sealed PKCS #8
	ActiveAt  time.Time // from when it signs; it is published before
	ExpiresAt time.Time // until when it is published; zero while it has no successor
	CreatedAt time.Time
}

// KeepKeys is how long a key is kept after it was last published. An ID token that the key signed still says
// which session a client wants to end, and which user it means. No browser keeps the cookie of a
// session for longer (RFC 6265bis section 5.5: 400 days), and a refresh gives a younger ID token.
const KeepKeys = 400 * 24 * time.Hour

// PairwiseKeys keeps the key of each tenant from which pairwise subject identifiers are made. It never changes: with
// another one, no client would know its users again.
type PairwiseKeys interface {
	// PairwiseKey returns the tenant's key, sealed. ErrNotFound: it has none yet.
	PairwiseKey(ctx context.Context, tenant string) ([]byte, error)
	// AddPairwiseKey stores the tenant's key. ErrExists: it has one.
	AddPairwiseKey(ctx context.Context, tenant string, sealed []byte, now time.Time) error
}

// Keys keeps the signing keys.
type Keys interface {
	// Keys lists the tenant's keys, by algorithm and sequence: those that are published after
	// since, and the newest of each algorithm.
	Keys(ctx context.Context, tenant string, since time.Time) ([]Key, error)
	// Key returns the tenant's key of that id, even if it is not published any more.
	Key(ctx context.Context, tenant, id string) (Key, error)
	// AddKeys stores new keys of a tenant, at most one of each algorithm, all or none. Older keys of these
	// algorithms without an expiry get olderExpireAt. ErrExists: a sequence is taken. The events of this
	// and of RemoveKey are recorded if and only if it happens.
	AddKeys(ctx context.Context, keys []Key, olderExpireAt time.Time, events ...Event) error
	// RemoveKey deletes a key at once: what it signed is refused from then on.
	RemoveKey(ctx context.Context, tenant, id string, events ...Event) error
}
