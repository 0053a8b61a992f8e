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
	// Sequence numbers the keys of an algorithm, from 1; unique, so that of many
	// replicas that rotate at once, one does.
	Sequence  int64
	Public    []byte    // JWK
	Private   []byte    // sealed PKCS #8
	ActiveAt  time.Time // from when it signs; it is published before
	ExpiresAt time.Time // until when it is published; zero while it has no successor
	CreatedAt time.Time
}

// KeepKeys is how long a key stays after it was published last: an ID token that it signed still
// says which session its client means to end, or whom it means. No browser keeps the cookie of a
// session for longer (RFC 6265bis section 5.5: 400 days), and a refresh gives a younger ID token.
const KeepKeys = 400 * 24 * time.Hour

// Keys keeps the signing keys.
type Keys interface {
	// Keys lists the tenant's keys, by algorithm and sequence: those that are published after
	// since, and the newest of each algorithm.
	Keys(ctx context.Context, tenant string, since time.Time) ([]Key, error)
	// Key is the tenant's key of that id, also when it is published no more.
	Key(ctx context.Context, tenant, id string) (Key, error)
	// AddKeys stores new keys of a tenant, one of an algorithm each, all or none, and gives the
	// older ones of their algorithms that have no end yet the given one. ErrExists: a sequence is
	// taken. The events of this and of RemoveKey are recorded if and only if it happens.
	AddKeys(ctx context.Context, keys []Key, olderExpireAt time.Time, events ...Event) error
	// RemoveKey deletes a key at once: what it signed is no longer believed.
	RemoveKey(ctx context.Context, tenant, id string, events ...Event) error
}
