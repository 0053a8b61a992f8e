package sqldb

import (
	"cmp"
	"context"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const credentialColumns = `tenant_id, user_id, kind, id, data, created_at, updated_at, expires_at`

// scanCredential reads a row of credentialColumns.
func scanCredential(row scanner) (cr storage.Credential, err error) {
	err = row.Scan(&cr.TenantID, &cr.UserID, &cr.Kind, &cr.ID, column.Bytes(&cr.Data),
		column.Time(&cr.CreatedAt), column.Time(&cr.UpdatedAt), column.Time(&cr.ExpiresAt))
	return cr, err
}

const credential = `
	SELECT ` + credentialColumns + ` FROM credentials
	WHERE tenant_id = $1 AND user_id = $2 AND kind = $3 AND id = $4`

// Credential implements storage.Credentials.
func (s *Store) Credential(ctx context.Context, tenant, userID, kind, id string) (storage.Credential, error) {
	cr, err := one(ctx, s, credential, []any{tenant, userID, kind, id}, scanCredential)
	return cr, engine.Named(err, kind+" of user", userID)
}

const credentialsOf = `
	SELECT ` + credentialColumns + ` FROM credentials
	WHERE tenant_id = $1 AND user_id = $2
	ORDER BY kind, id`

// CredentialsOf implements storage.Credentials.
func (s *Store) CredentialsOf(ctx context.Context, tenant, userID string) ([]storage.Credential, error) {
	all, err := list(ctx, s, credentialsOf, []any{tenant, userID}, scanCredential)
	return all, engine.Named(err, "credentials of user", userID)
}

// The kind is storage.PasskeyCredential, written out as in the index.
const passkeysByID = `
	SELECT ` + credentialColumns + ` FROM credentials
	WHERE tenant_id = $1 AND id = $2 AND kind = 'passkey'
	LIMIT 8`

// PasskeysByID implements storage.Credentials.
func (s *Store) PasskeysByID(ctx context.Context, tenant, id string) ([]storage.Credential, error) {
	all, err := list(ctx, s, passkeysByID, []any{tenant, id}, scanCredential)
	return all, engine.Wrapped(err, "passkeys by id")
}

// Two branches, because neither engine would use the two indices for one OR with
// certainty. A user name cannot hold "@", so that at most one of them finds a user.
const userPassword = `
	SELECT ` + userColumns + `, credentials.data, credentials.created_at, credentials.updated_at,
		credentials.expires_at
	FROM (
		SELECT id FROM users WHERE tenant_id = $1 AND email_key = $2 AND email_key <> ''
		UNION
		SELECT id FROM users WHERE tenant_id = $1 AND username_key = $2 AND username_key <> ''
	) AS found
	JOIN users ON users.tenant_id = $1 AND users.id = found.id
	LEFT JOIN credentials ON credentials.tenant_id = $1 AND credentials.user_id = found.id
		AND credentials.kind = $3 AND credentials.id = ''
	ORDER BY users.id LIMIT 1`

// UserPassword implements storage.Credentials.
func (s *Store) UserPassword(ctx context.Context, tenant, key string) (storage.User, storage.Credential, error) {
	type pair struct {
		user storage.User
		cred storage.Credential
	}
	args := []any{tenant, key, storage.PasswordCredential}
	p, err := one(ctx, s, userPassword, args, func(row scanner) (p pair, err error) {
		err = row.Scan(append(userFields(&p.user), column.Bytes(&p.cred.Data),
			column.Time(&p.cred.CreatedAt), column.Time(&p.cred.UpdatedAt), column.Time(&p.cred.ExpiresAt))...)
		p.cred.TenantID, p.cred.UserID, p.cred.Kind = p.user.TenantID, p.user.ID, storage.PasswordCredential
		return p, err
	})
	return p.user, p.cred, engine.Wrapped(err, "user and password")
}

const (
	addCredential = `
		INSERT INTO credentials (` + credentialColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT DO NOTHING`
	swapCredential = `
		UPDATE credentials SET data = $5, updated_at = $6, expires_at = $8
		WHERE tenant_id = $1 AND user_id = $2 AND kind = $3 AND id = $4 AND data = $7`
	rehashCredential = `
		UPDATE credentials SET data = $5, updated_at = $6
		WHERE tenant_id = $1 AND user_id = $2 AND kind = $3 AND id = $4 AND data = $7`
)

// PutCredential implements storage.Credentials.
func (s *Store) PutCredential(ctx context.Context, cr storage.Credential, was []byte) (err error) {
	if len(was) == 0 {
		err = s.must(ctx, storage.ErrStale, addCredential,
			cr.TenantID, cr.UserID, cr.Kind, cr.ID, cr.Data, column.Micros(cr.CreatedAt), column.Micros(cr.UpdatedAt),
			column.Micros(cr.ExpiresAt))
	} else {
		err = s.must(ctx, storage.ErrStale, rehashCredential,
			cr.TenantID, cr.UserID, cr.Kind, cr.ID, cr.Data, column.Micros(cr.UpdatedAt), was)
	}
	return engine.Named(err, "put "+cr.Kind+" of user", cr.UserID)
}

const (
	// First, so that two changes queue for the user's row and not for the credential's.
	raiseVersion = `
		UPDATE users SET credential_version = credential_version + 1, updated_at = $3
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	replaceCredential = `
		INSERT INTO credentials (` + credentialColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (tenant_id, user_id, kind, id) DO UPDATE SET
			data = excluded.data, updated_at = excluded.updated_at, expires_at = excluded.expires_at`
)

// setCredential stores a credential, which replaces the one with the same kind and id.
func setCredential(c conn, cr storage.Credential) error {
	_, err := c.Exec(replaceCredential,
		cr.TenantID, cr.UserID, cr.Kind, cr.ID, cr.Data, column.Micros(cr.CreatedAt), column.Micros(cr.UpdatedAt),
		column.Micros(cr.ExpiresAt))
	return err
}

// someCredentials looks for them among twenty times as many, because there is no index of kinds.
const someCredentials = `
	SELECT ` + credentialColumns + ` FROM (
		SELECT ` + credentialColumns + ` FROM credentials
		WHERE tenant_id = $1
		ORDER BY user_id, kind, id
		LIMIT 20 * $3) AS found
	WHERE kind = $2
	LIMIT $3`

// SomeCredentials implements storage.Credentials.
func (s *Store) SomeCredentials(ctx context.Context, tenant, kind string, limit int) ([]storage.Credential, error) {
	all, err := list(ctx, s, someCredentials, []any{tenant, kind, limit}, scanCredential)
	return all, engine.Wrapped(err, "some credentials")
}

const identityColumns = `tenant_id, provider, subject, user_id, email, created_at`

// scanIdentity reads a row of identityColumns.
func scanIdentity(row scanner) (i storage.Identity, err error) {
	err = row.Scan(&i.TenantID, &i.Provider, &i.Subject, &i.UserID, &i.Email, column.Time(&i.CreatedAt))
	return i, err
}

const addIdentity = `
	INSERT INTO identities (` + identityColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6)`

// unlinkIdentities takes all accounts at upstream providers from a user.
const unlinkIdentities = `DELETE FROM identities WHERE tenant_id = $1 AND user_id = $2`

const identity = `
	SELECT ` + identityColumns + ` FROM identities
	WHERE tenant_id = $1 AND provider = $2 AND subject = $3`

// Identity implements storage.Identities.
func (s *Store) Identity(ctx context.Context, tenant, provider, subject string) (storage.Identity, error) {
	i, err := one(ctx, s, identity, []any{tenant, provider, subject}, scanIdentity)
	return i, engine.Named(err, "identity at", provider)
}

const setIdentityEmail = `
	UPDATE identities SET email = $4 WHERE tenant_id = $1 AND provider = $2 AND subject = $3`

// SetIdentityEmail implements storage.Identities.
func (s *Store) SetIdentityEmail(ctx context.Context, tenant, provider, subject, email string) error {
	err := s.must(ctx, storage.ErrNotFound, setIdentityEmail, tenant, provider, subject, email)
	return engine.Named(err, "address of an identity at", provider)
}

// identitiesOf has no order: for the order's sake, SQLite would read all of the tenant by the primary key.
const identitiesOf = `
	SELECT ` + identityColumns + ` FROM identities
	WHERE tenant_id = $1 AND user_id = $2`

// IdentitiesOf implements storage.Identities.
func (s *Store) IdentitiesOf(ctx context.Context, tenant, userID string) ([]storage.Identity, error) {
	all, err := list(ctx, s, identitiesOf, []any{tenant, userID}, scanIdentity)
	slices.SortFunc(all, func(a, b storage.Identity) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Subject, b.Subject))
	})
	return all, engine.Named(err, "identities of user", userID)
}
