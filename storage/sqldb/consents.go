package sqldb

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

const consentColumns = `consents.tenant_id, consents.user_id, consents.client_id, consents.scopes, consents.claims,
	consents.granted_at`

// ofClients leaves out what was allowed a client before it was removed and stored anew.
const ofClients = `
	JOIN clients ON clients.tenant_id = consents.tenant_id AND clients.id = consents.client_id
		AND clients.epoch = consents.client_epoch AND clients.removed_at = 0`

// scanConsent reads a row of consentColumns.
func scanConsent(row scanner) (c storage.Consent, err error) {
	err = row.Scan(&c.TenantID, &c.UserID, &c.ClientID, listColumn{&c.Scopes}, listColumn{&c.Claims},
		timeColumn{&c.GrantedAt})
	return c, err
}

const consent = `
	SELECT ` + consentColumns + ` FROM consents` + ofClients + `
	WHERE consents.tenant_id = $1 AND consents.user_id = $2 AND consents.client_id = $3`

// Consent implements storage.Consents.
func (s *Store) Consent(ctx context.Context, tenant, userID, clientID string) (storage.Consent, error) {
	c, err := one(ctx, s, consent, []any{tenant, userID, clientID}, scanConsent)
	return c, named(err, "consent to client", clientID)
}

const putConsent = `
	INSERT INTO consents (tenant_id, user_id, client_id, scopes, claims, granted_at, client_epoch)
	SELECT $1, $2, $3, $4, $5, $6, clients.epoch
	FROM clients WHERE clients.tenant_id = $1 AND clients.id = $3 AND clients.removed_at = 0
	ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE SET
		scopes = excluded.scopes, claims = excluded.claims, granted_at = excluded.granted_at,
		client_epoch = excluded.client_epoch`

// consentArgs returns the arguments of putConsent.
func consentArgs(c storage.Consent) []any {
	return []any{c.TenantID, c.UserID, c.ClientID, encodeList(c.Scopes), encodeList(c.Claims), micros(c.GrantedAt)}
}

const consentsOf = `
	SELECT ` + consentColumns + ` FROM consents` + ofClients + `
	WHERE consents.tenant_id = $1 AND consents.user_id = $2
	ORDER BY consents.client_id`

// ConsentsOf implements storage.Consents.
func (s *Store) ConsentsOf(ctx context.Context, tenant, userID string) ([]storage.Consent, error) {
	all, err := list(ctx, s, consentsOf, []any{tenant, userID}, scanConsent)
	return all, named(err, "consents of user", userID)
}
