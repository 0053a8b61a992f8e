package keys

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const (
	pairwiseKey    = `SELECT data FROM pairwise_keys WHERE tenant_id = $1`
	addPairwiseKey = `INSERT INTO pairwise_keys (tenant_id, data, created_at) VALUES ($1, $2, $3)`
)

// PairwiseKey implements storage.PairwiseKeys.
func (r *Ring) PairwiseKey(ctx context.Context, tenant string) ([]byte, error) {
	scan := func(row engine.Scanner) (sealed []byte, err error) {
		err = row.Scan(column.Bytes(&sealed))
		return sealed, err
	}
	sealed, err := engine.One(ctx, r.Engine, pairwiseKey, []any{tenant}, scan)
	return sealed, engine.Named(err, "pairwise key of", tenant)
}

// AddPairwiseKey implements storage.PairwiseKeys.
func (r *Ring) AddPairwiseKey(ctx context.Context, tenant string, sealed []byte, now time.Time) error {
	_, err := engine.Put(ctx, r.Engine, addPairwiseKey, tenant, sealed, column.Micros(now))
	return engine.Named(err, "add pairwise key of", tenant)
}
