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

// Keys keeps the signing keys.
type Keys interface {
	// Keys lists the tenant's keys, by algorithm and sequence.
	Keys(ctx context.Context, tenant string) ([]Key, error)
	// AddKey stores a new key and gives the older ones of its algorithm that have no
	// end yet the given one. ErrExists: the sequence is taken.
	AddKey(ctx context.Context, k Key, olderExpireAt time.Time) error
	// RemoveKey deletes a key at once: what it signed is no longer believed.
	RemoveKey(ctx context.Context, tenant, id string) error
}
