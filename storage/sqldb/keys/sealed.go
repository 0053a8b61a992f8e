package keys

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const (
	sealedKeys = `
		SELECT tenant_id, '', '', id, private FROM keys
		WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3`
	sealedSettings = `
		SELECT id, '', '', '', settings FROM tenants
		WHERE id > $1 ORDER BY id LIMIT $2`
	sealedCredentials = `
		SELECT tenant_id, user_id, kind, id, data FROM credentials
		WHERE (tenant_id, user_id, kind, id) > ($1, $2, $3, $4)
		ORDER BY tenant_id, user_id, kind, id LIMIT $5`
	sealedMails = `
		SELECT tenant_id, '', '', id, data FROM mail
		WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3`
	sealedCodes = `
		SELECT tenant_id, '', '', id, data FROM codes
		WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3`
	sealedWebhooks = `
		SELECT tenant_id, '', '', id, data FROM webhooks
		WHERE (tenant_id, id) > ($1, $2) AND removed_at = 0 ORDER BY tenant_id, id LIMIT $3`
	sealedApps = `
		SELECT tenant_id, '', '', id, data FROM tenant_sessions
		WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3`
	sealedPairwise = `
		SELECT tenant_id, '', '', '', data FROM pairwise_keys
		WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2`

	replaceSealedKey        = `UPDATE keys SET private = $3 WHERE tenant_id = $1 AND id = $2 AND private = $4`
	replaceSealedSettings   = `UPDATE tenants SET settings = $2 WHERE id = $1 AND settings = $3`
	replaceSealedCredential = `
		UPDATE credentials SET data = $5
		WHERE tenant_id = $1 AND user_id = $2 AND kind = $3 AND id = $4 AND data = $6`
	replaceSealedMail    = `UPDATE mail SET data = $3 WHERE tenant_id = $1 AND id = $2 AND data = $4`
	replaceSealedWebhook = `UPDATE webhooks SET data = $3 WHERE tenant_id = $1 AND id = $2 AND data = $4`
	replaceSealedApp     = `UPDATE tenant_sessions SET data = $3 WHERE tenant_id = $1 AND id = $2 AND data = $4`
	replacePairwise      = `UPDATE pairwise_keys SET data = $2 WHERE tenant_id = $1 AND data = $3`
	replaceSealedCode    = `UPDATE codes SET data = $3 WHERE tenant_id = $1 AND id = $2 AND data = $4`
)

// sealedTable is how the values of a kind are read and replaced.
type sealedTable struct {
	list, replace string
	key           func(storage.SealedValue) []any
	text          bool // the column is TEXT
}

// byID returns the key of a row that has a tenant and an id.
func byID(v storage.SealedValue) []any { return []any{v.TenantID, v.ID} }

// byTenant returns the key of a row of which a tenant has one.
func byTenant(v storage.SealedValue) []any { return []any{v.TenantID} }

// sealedTables are how the values of each kind are read and replaced.
var sealedTables = map[storage.SealedKind]sealedTable{
	storage.SealedKeys:     {list: sealedKeys, replace: replaceSealedKey, key: byID},
	storage.SealedMails:    {list: sealedMails, replace: replaceSealedMail, key: byID},
	storage.SealedWebhooks: {list: sealedWebhooks, replace: replaceSealedWebhook, key: byID},
	storage.SealedApps:     {list: sealedApps, replace: replaceSealedApp, key: byID},
	storage.SealedCodes:    {list: sealedCodes, replace: replaceSealedCode, key: byID},
	storage.SealedSettings: {list: sealedSettings, replace: replaceSealedSettings, text: true,
		key: byTenant},
	storage.SealedPairwise: {list: sealedPairwise, replace: replacePairwise, key: byTenant},
	storage.SealedCredentials: {list: sealedCredentials, replace: replaceSealedCredential,
		key: func(v storage.SealedValue) []any { return []any{v.TenantID, v.UserID, v.Kind, v.ID} }},
}

// SealedValues implements storage.Sealed.
func (r *Ring) SealedValues(ctx context.Context, kind storage.SealedKind, after storage.SealedValue,
	limit int,
) ([]storage.SealedValue, error) {
	t := sealedTables[kind]
	scan := func(row engine.Scanner) (v storage.SealedValue, err error) {
		var text string
		data := any(column.Bytes(&v.Data))
		if t.text {
			data = &text
		}
		err = row.Scan(&v.TenantID, &v.UserID, &v.Kind, &v.ID, data)
		if t.text {
			v.Data = []byte(text)
		}
		return v, err
	}
	all, err := engine.All(ctx, r.Engine, t.list, append(t.key(after), limit), scan)
	return all, engine.Named(err, "sealed", string(kind))
}

// ReplaceSealed implements storage.Sealed.
func (r *Ring) ReplaceSealed(ctx context.Context, kind storage.SealedKind,
	changes []storage.SealedChange,
) (made int, err error) {
	t := sealedTables[kind]
	value := func(b []byte) any {
		if t.text {
			return string(b)
		}
		return b
	}
	err = r.Engine.Transact(ctx, func(c engine.Conn) error {
		made = 0
		for _, ch := range changes {
			n, err := c.Exec(t.replace, append(t.key(ch.SealedValue), value(ch.To), value(ch.Data))...)
			if err != nil {
				return err
			}
			made += int(n)
		}
		return nil
	})
	return made, engine.Named(err, "replace sealed", string(kind))
}

const listMasterSecrets = `SELECT fingerprint, sealed_at FROM master_secrets ORDER BY fingerprint`

// MasterSecrets implements storage.Sealed.
func (r *Ring) MasterSecrets(ctx context.Context) ([]storage.MasterSecret, error) {
	scan := func(row engine.Scanner) (m storage.MasterSecret, err error) {
		err = row.Scan(&m.Fingerprint, column.Time(&m.SealedAt))
		return m, err
	}
	all, err := engine.All(ctx, r.Engine, listMasterSecrets, nil, scan)
	return all, engine.Wrapped(err, "master secrets")
}

// useMasterSecret stores when a process last said that it seals with a secret.
const useMasterSecret = `
	INSERT INTO master_secrets (fingerprint, sealed_at) VALUES ($1, $2)
	ON CONFLICT (fingerprint) DO UPDATE SET sealed_at = excluded.sealed_at`

// UseMasterSecret implements storage.Sealed.
func (r *Ring) UseMasterSecret(ctx context.Context, fingerprint string, now time.Time) error {
	_, err := engine.Put(ctx, r.Engine, useMasterSecret, fingerprint, column.Micros(now))
	return engine.Named(err, "use master secret", fingerprint)
}

// forgetMasterSecret deletes a secret unless a process has said since that it seals with it.
const forgetMasterSecret = `DELETE FROM master_secrets WHERE fingerprint = $1 AND sealed_at = $2`

// ForgetMasterSecret implements storage.Sealed.
func (r *Ring) ForgetMasterSecret(ctx context.Context, m storage.MasterSecret, events ...storage.Event) error {
	err := trail.Must(ctx, r.Engine, storage.ErrStale, events, forgetMasterSecret, m.Fingerprint,
		column.Micros(m.SealedAt))
	return engine.Named(err, "forget master secret", m.Fingerprint)
}
