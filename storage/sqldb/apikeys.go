package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const apiKeyColumns = `api_keys.tenant_id, api_keys.id, api_keys.hash, api_keys.start, api_keys.name,
	COALESCE(api_keys.user_id, ''), COALESCE(api_keys.client_id, ''), api_keys.scopes, api_keys.replaced_by,
	api_keys.created_at, api_keys.expires_at, api_keys.used_at`

// apiKeyFields returns where a row of apiKeyColumns goes.
func apiKeyFields(k *storage.APIKey) []any {
	return []any{&k.TenantID, &k.ID, column.Bytes(&k.Hash), &k.Start, &k.Name, &k.UserID, &k.ClientID,
		column.List(&k.Scopes), &k.ReplacedBy, column.Time(&k.CreatedAt), column.Time(&k.ExpiresAt), column.Time(&k.UsedAt)}
}

const (
	apiKeyUser = ` JOIN users ON users.tenant_id = api_keys.tenant_id AND users.id = api_keys.user_id
			AND users.credential_version = api_keys.owner_version`
	apiKeyClient = ` JOIN clients ON clients.tenant_id = api_keys.tenant_id AND clients.id = api_keys.client_id
			AND clients.epoch = api_keys.owner_version AND clients.removed_at = 0`
	// A key that is dated ahead was made while a clock was ahead, as a grant.
	apiKeyLives = ` AND api_keys.expires_at > $3 AND api_keys.created_at` + notAhead
	userKey     = `
		SELECT ` + apiKeyColumns + `, ` + userColumns + `
		FROM api_keys` + apiKeyUser + ` AND NOT users.disabled
		WHERE api_keys.tenant_id = $1 AND api_keys.`
	clientKey = `
		SELECT ` + apiKeyColumns + `, clients.tenant_id, clients.id, clients.metadata, clients.secret_hashes,
			clients.disabled, clients.declared, clients.created_at, clients.updated_at,
			clients.origin, clients.verdict, clients.outside
		FROM api_keys` + apiKeyClient + ` AND NOT clients.disabled
		WHERE api_keys.tenant_id = $1 AND api_keys.`
	userKeyByHash   = userKey + `hash = $2` + apiKeyLives
	userKeyByID     = userKey + `id = $2` + apiKeyLives
	clientKeyByHash = clientKey + `hash = $2` + apiKeyLives
	clientKeyByID   = clientKey + `id = $2` + apiKeyLives
)

// LiveAPIKey implements storage.APIKeys.
func (s *Store) LiveAPIKey(ctx context.Context, tenant string, ofClient bool, hash []byte, now time.Time) (
	storage.APIKey, storage.APIKeyOwner, error,
) {
	k, owner, err := s.liveAPIKey(ctx, userKeyByHash, clientKeyByHash, ofClient, tenant, hash, now)
	return k, owner, engine.Wrapped(err, "API key")
}

// LiveAPIKeyByID implements storage.APIKeys.
func (s *Store) LiveAPIKeyByID(ctx context.Context, tenant string, ofClient bool, id string, now time.Time) (
	storage.APIKey, storage.APIKeyOwner, error,
) {
	k, owner, err := s.liveAPIKey(ctx, userKeyByID, clientKeyByID, ofClient, tenant, id, now)
	return k, owner, engine.Named(err, "API key", id)
}

// liveAPIKey runs the query that is for the kind of owner.
func (s *Store) liveAPIKey(
	ctx context.Context, ofUsers, ofClients string, ofClient bool, tenant string, by any, now time.Time,
) (k storage.APIKey, owner storage.APIKeyOwner, err error) {
	args := []any{tenant, by, column.Micros(now)}
	if ofClient {
		var c storage.Client
		owner.Client = &c
		k, err = one(ctx, s, ofClients, args, func(row scanner) (k storage.APIKey, err error) {
			c, err = scanClient(scannerAfter{row, apiKeyFields(&k)})
			return k, err
		})
		return k, owner, err
	}
	owner.User = &storage.User{}
	k, err = one(ctx, s, ofUsers, args, func(row scanner) (k storage.APIKey, err error) {
		err = row.Scan(append(apiKeyFields(&k), userFields(owner.User)...)...)
		return k, err
	})
	return k, owner, err
}

// scannerAfter scans a row whose first columns go to first.
type scannerAfter struct {
	scanner
	first []any
}

// Scan implements scanner.
func (s scannerAfter) Scan(to ...any) error { return s.scanner.Scan(append(s.first, to...)...) }

const (
	apiKeysOfUser = `
		SELECT ` + apiKeyColumns + ` FROM api_keys` + apiKeyUser + `
		WHERE api_keys.tenant_id = $1 AND api_keys.user_id = $2 AND users.tenant_id = $1 AND users.id = $2
		ORDER BY api_keys.id DESC`
	apiKeysOfClient = `
		SELECT ` + apiKeyColumns + ` FROM api_keys` + apiKeyClient + `
		WHERE api_keys.tenant_id = $1 AND api_keys.client_id = $2 AND clients.tenant_id = $1 AND clients.id = $2
		ORDER BY api_keys.id DESC`
)

// APIKeysOf implements storage.APIKeys.
func (s *Store) APIKeysOf(ctx context.Context, tenant, userID, clientID string) ([]storage.APIKey, error) {
	query, owner := apiKeysOfUser, userID
	if userID == "" {
		query, owner = apiKeysOfClient, clientID
	}
	all, err := list(ctx, s, query, []any{tenant, owner}, func(row scanner) (k storage.APIKey, err error) {
		err = row.Scan(apiKeyFields(&k)...)
		return k, err
	})
	return all, engine.Named(err, "API keys of", owner)
}

const usedAPIKey = `UPDATE api_keys SET used_at = $3 WHERE tenant_id = $1 AND id = $2 AND used_at <= $4`

// UsedAPIKey implements storage.APIKeys.
func (s *Store) UsedAPIKey(ctx context.Context, tenant, id string, now, since time.Time) error {
	_, err := s.put(ctx, usedAPIKey, tenant, id, column.Micros(now), column.Micros(since))
	return engine.Named(err, "use of API key", id)
}

const endAPIKeys = `
	UPDATE api_keys SET expires_at = $3 WHERE tenant_id = $1 AND created_at <= $2 AND expires_at > $3`

// EndAPIKeys implements storage.APIKeys.
func (s *Store) EndAPIKeys(ctx context.Context, tenant string, before, now time.Time) (int64, error) {
	n, err := s.put(ctx, endAPIKeys, tenant, column.Micros(before), column.Micros(now))
	return n, engine.Named(err, "end API keys of", tenant)
}

const (
	ofOwner       = ` WHERE tenant_id = $1 AND id = $2 AND (user_id = $3 OR client_id = $4)`
	removeAPIKey  = `DELETE FROM api_keys` + ofOwner
	removeAPIKeys = `DELETE FROM api_keys WHERE tenant_id = $1 AND (user_id = $2 OR client_id = $3)`
	// Of two replacements at the same time, one finds the key replaced.
	replaceAPIKey = `
		UPDATE api_keys SET replaced_by = $5, expires_at = CASE WHEN expires_at > $6 THEN $6 ELSE expires_at END` +
		ofOwner + ` AND replaced_by = ''`
	insertAPIKey = `
		INSERT INTO api_keys (tenant_id, id, hash, start, name, user_id, client_id, owner_version, scopes, replaced_by,
			created_at, expires_at, used_at)
		SELECT $1, $2, $3, $4, $5, `
	addUserKey = insertAPIKey + `users.id, NULL, users.credential_version, $6, '', $7, $8, 0
		FROM users WHERE users.tenant_id = $1 AND users.id = $9 AND NOT users.disabled`
	addClientKey = insertAPIKey + `NULL, clients.id, clients.epoch, $6, '', $7, $8, 0
		FROM clients WHERE clients.tenant_id = $1 AND clients.id = $9 AND NOT clients.disabled AND clients.removed_at = 0`
)

// applyAPIKeys removes, replaces and adds keys.
func applyAPIKeys(c conn, ch *storage.Change) error {
	if k := ch.RemoveAPIKey; k != nil && k.ID == storage.AllIDs {
		if _, err := c.Exec(removeAPIKeys, ch.TenantID, ch.UserID, k.ClientID); err != nil {
			return err
		}
	} else if k != nil {
		if err := engine.Must(c, storage.ErrNotFound, removeAPIKey, ch.TenantID, k.ID, ch.UserID, k.ClientID); err != nil {
			return err
		}
	}
	if k := ch.ReplaceAPIKey; k != nil {
		if err := engine.Must(c, storage.ErrStale, replaceAPIKey, ch.TenantID, k.ID, ch.UserID, k.ClientID, k.By,
			column.Micros(k.ExpiresAt)); err != nil {
			return err
		}
	}
	k := ch.AddAPIKey
	if k == nil {
		return nil
	}
	query, owner := addUserKey, ch.UserID
	if k.ClientID != "" {
		query, owner = addClientKey, k.ClientID
	}
	return engine.Must(c, storage.ErrNotFound, query, ch.TenantID, k.ID, k.Hash, k.Start, k.Name,
		column.EncodeList(k.Scopes), column.Micros(k.CreatedAt), column.Micros(k.ExpiresAt), owner)
}
