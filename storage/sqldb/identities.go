package sqldb

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

const identityColumns = `tenant_id, provider, subject, user_id, email, created_at`

// scanIdentity reads a row of identityColumns.
func scanIdentity(row scanner) (i storage.Identity, err error) {
	err = row.Scan(&i.TenantID, &i.Provider, &i.Subject, &i.UserID, &i.Email, timeColumn{&i.CreatedAt})
	return i, err
}

const addIdentity = `
	INSERT INTO identities (` + identityColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6)`

const identity = `
	SELECT ` + identityColumns + ` FROM identities
	WHERE tenant_id = $1 AND provider = $2 AND subject = $3`

// Identity implements storage.Identities.
func (s *Store) Identity(ctx context.Context, tenant, provider, subject string) (storage.Identity, error) {
	i, err := one(ctx, s, identity, []any{tenant, provider, subject}, scanIdentity)
	return i, named(err, "identity at", provider)
}

const identitiesOf = `
	SELECT ` + identityColumns + ` FROM identities
	WHERE tenant_id = $1 AND user_id = $2
	ORDER BY provider, subject`

// IdentitiesOf implements storage.Identities.
func (s *Store) IdentitiesOf(ctx context.Context, tenant, userID string) ([]storage.Identity, error) {
	all, err := list(ctx, s, identitiesOf, []any{tenant, userID}, scanIdentity)
	return all, named(err, "identities of user", userID)
}
