package keys

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

// Ring implements storage.Keys and storage.Sealed.
type Ring struct{ Engine engine.Engine }

const keyColumns = `tenant_id, id, algorithm, sequence, public, private, active_at, expires_at, created_at`

// listKeys lists keys that are published after $2. The newest of an algorithm is always among them: its successor has
// the next sequence.
const listKeys = `
	SELECT ` + keyColumns + ` FROM keys
	WHERE tenant_id = $1 AND (expires_at = 0 OR expires_at > $2 OR sequence = (
		SELECT MAX(sequence) FROM keys AS same
		WHERE same.tenant_id = keys.tenant_id AND same.algorithm = keys.algorithm))
	ORDER BY algorithm, sequence`

// scanKey reads a row of keyColumns.
func scanKey(row engine.Scanner) (k storage.Key, err error) {
	err = row.Scan(&k.TenantID, &k.ID, &k.Algorithm, &k.Sequence, column.Bytes(&k.Public), column.Bytes(&k.Private),
		column.Time(&k.ActiveAt), column.Time(&k.ExpiresAt), column.Time(&k.CreatedAt))
	return k, err
}

// Keys implements storage.Keys.
func (r *Ring) Keys(ctx context.Context, tenant string, since time.Time) ([]storage.Key, error) {
	all, err := engine.All(ctx, r.Engine, listKeys, []any{tenant, column.Micros(since)}, scanKey)
	return all, engine.Named(err, "keys of", tenant)
}

const keyByID = `SELECT ` + keyColumns + ` FROM keys WHERE tenant_id = $1 AND id = $2`

// Key implements storage.Keys.
func (r *Ring) Key(ctx context.Context, tenant, id string) (storage.Key, error) {
	k, err := engine.One(ctx, r.Engine, keyByID, []any{tenant, id}, scanKey)
	return k, engine.Named(err, "key", id)
}

const (
	addKey = `
		INSERT INTO keys (` + keyColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	retireKeys = `
		UPDATE keys SET expires_at = $4
		WHERE tenant_id = $1 AND algorithm = $2 AND sequence < $3 AND expires_at = 0`
)

// AddKeys implements storage.Keys.
func (r *Ring) AddKeys(ctx context.Context, keys []storage.Key, olderExpireAt time.Time,
	events ...storage.Event,
) error {
	err := trail.Change(ctx, r.Engine, func(c engine.Conn) error {
		for _, k := range keys {
			_, err := c.Exec(addKey, k.TenantID, k.ID, k.Algorithm, k.Sequence, k.Public, k.Private,
				column.Micros(k.ActiveAt), column.Micros(k.ExpiresAt), column.Micros(k.CreatedAt))
			if err != nil {
				return err
			}
			if _, err := c.Exec(retireKeys, k.TenantID, k.Algorithm, k.Sequence, column.Micros(olderExpireAt)); err != nil {
				return err
			}
		}
		return trail.RecordAll(c, events)
	})
	var id string
	if len(keys) > 0 {
		id = keys[0].ID
	}
	return engine.Named(err, "add key", id)
}

const removeKey = `DELETE FROM keys WHERE tenant_id = $1 AND id = $2`

// RemoveKey implements storage.Keys.
func (r *Ring) RemoveKey(ctx context.Context, tenant, id string, events ...storage.Event) error {
	err := trail.Must(ctx, r.Engine, storage.ErrNotFound, events, removeKey, tenant, id)
	return engine.Named(err, "remove key", id)
}
