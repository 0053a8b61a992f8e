package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const keyColumns = `tenant_id, id, algorithm, sequence, public, private, active_at, expires_at, created_at`

const listKeys = `
	SELECT ` + keyColumns + ` FROM keys
	WHERE tenant_id = $1 AND (expires_at = 0 OR expires_at > $2 OR sequence = (
		SELECT MAX(sequence) FROM keys AS same
		WHERE same.tenant_id = keys.tenant_id AND same.algorithm = keys.algorithm))
	ORDER BY algorithm, sequence`

// scanKey reads a row of keyColumns.
func scanKey(row scanner) (k storage.Key, err error) {
	err = row.Scan(&k.TenantID, &k.ID, &k.Algorithm, &k.Sequence, bytesColumn{&k.Public}, bytesColumn{&k.Private},
		timeColumn{&k.ActiveAt}, timeColumn{&k.ExpiresAt}, timeColumn{&k.CreatedAt})
	return k, err
}

// Keys implements storage.Keys.
func (s *Store) Keys(ctx context.Context, tenant string, since time.Time) ([]storage.Key, error) {
	all, err := list(ctx, s, listKeys, []any{tenant, micros(since)}, scanKey)
	return all, named(err, "keys of", tenant)
}

const keyByID = `SELECT ` + keyColumns + ` FROM keys WHERE tenant_id = $1 AND id = $2`

// Key implements storage.Keys.
func (s *Store) Key(ctx context.Context, tenant, id string) (storage.Key, error) {
	k, err := one(ctx, s, keyByID, []any{tenant, id}, scanKey)
	return k, named(err, "key", id)
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
func (s *Store) AddKeys(ctx context.Context, keys []storage.Key, olderExpireAt time.Time,
	events ...storage.Event,
) error {
	err := s.engine.Transact(ctx, func(c conn) error {
		for _, k := range keys {
			_, err := c.Exec(addKey, k.TenantID, k.ID, k.Algorithm, k.Sequence, k.Public, k.Private,
				micros(k.ActiveAt), micros(k.ExpiresAt), micros(k.CreatedAt))
			if err != nil {
				return err
			}
			if _, err := c.Exec(retireKeys, k.TenantID, k.Algorithm, k.Sequence, micros(olderExpireAt)); err != nil {
				return err
			}
		}
		return recordAll(c, events)
	})
	var id string
	if len(keys) > 0 {
		id = keys[0].ID
	}
	return named(err, "add key", id)
}

const removeKey = `DELETE FROM keys WHERE tenant_id = $1 AND id = $2`

// RemoveKey implements storage.Keys.
func (s *Store) RemoveKey(ctx context.Context, tenant, id string, events ...storage.Event) error {
	err := s.mustAndRecord(ctx, storage.ErrNotFound, events, removeKey, tenant, id)
	return named(err, "remove key", id)
}
