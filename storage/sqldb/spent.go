package sqldb

import (
	"context"
	"crypto/sha256"

	"github.com/vouchsafe/vouchsafe/storage"
)

// spentHash is how a spent value is kept: clients choose the values, and their length
// must not be the index's.
func spentHash(value string) []byte {
	sum := sha256.Sum256([]byte(value))
	return sum[:]
}

const spend = `
	INSERT INTO spent_values (tenant_id, purpose, hash, expires_at)
	VALUES ($1, $2, $3, $4)
	ON CONFLICT DO NOTHING`

// Spend implements storage.SpentValues.
func (s *Store) Spend(ctx context.Context, v storage.Spent) error {
	err := s.must(ctx, storage.ErrExists, spend, v.TenantID, v.Purpose, spentHash(v.Value), micros(v.ExpiresAt))
	return named(err, "spend", v.Purpose)
}

const isSpent = `
	SELECT COUNT(*) FROM spent_values
	WHERE tenant_id = $1 AND purpose = $2 AND hash = $3`

// IsSpent implements storage.SpentValues.
func (s *Store) IsSpent(ctx context.Context, tenant, purpose, value string) (bool, error) {
	n, err := one(ctx, s, isSpent, []any{tenant, purpose, spentHash(value)}, scanCount)
	return n > 0, named(err, "is spent", purpose)
}
