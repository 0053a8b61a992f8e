package sqldb

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// The table's name stands before each column: reads join it with others.
const userColumns = `users.tenant_id, users.id, users.username, users.username_key, users.username_skeleton, ` +
	`users.email,
	users.email_key, users.email_verified, users.phone, users.phone_verified, users.profile, users.roles,
	users.attributes, users.disabled, users.external_id, users.secured_at, users.credential_version, users.created_at,
	users.updated_at, users.admin_role`

// userFields returns where a row of userColumns goes.
func userFields(u *storage.User) []any {
	return []any{
		&u.TenantID, &u.ID, &u.Username, &u.UsernameKey, &u.UsernameSkeleton, &u.Email,
		&u.EmailKey, &u.EmailVerified, &u.Phone, &u.PhoneVerified, profileColumn{&u.Profile}, column.List(&u.Roles),
		attributesColumn{&u.Attributes}, &u.Disabled, &u.ExternalID, column.Time(&u.SecuredAt), &u.CredentialVersion,
		column.Time(&u.CreatedAt), column.Time(&u.UpdatedAt), &u.AdminRole,
	}
}

// profileColumn is column.JSON for profiles: many are empty.
type profileColumn struct{ to *storage.Profile }

// Scan implements sql.Scanner.
func (c profileColumn) Scan(src any) error {
	*c.to = storage.Profile{}
	if src == "{}" {
		return nil
	}
	return column.JSON(c.to).Scan(src)
}

// attributesColumn is column.JSON for attributes: many users have none.
type attributesColumn struct{ to *map[string]any }

// Scan implements sql.Scanner.
func (c attributesColumn) Scan(src any) error {
	*c.to = nil
	if src == "{}" {
		return nil
	}
	return column.JSON(c.to).Scan(src)
}

// encodeAttributes is encode for attributes; nil is kept as {}.
func encodeAttributes(v map[string]any) string {
	if len(v) == 0 {
		return "{}"
	}
	return column.Encode(v)
}

// scanUser reads a row of userColumns.
func scanUser(row scanner) (u storage.User, err error) {
	err = row.Scan(userFields(&u)...)
	return u, err
}

const (
	addUser = intoUsers + `($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
		$21)`
	removedUser = `SELECT COUNT(*) FROM removed_users WHERE tenant_id = $1 AND id = $2`
	// The id of a client is the sub of its own tokens, and the actor of what it does: it must not be a user's.
	clientNamed = `SELECT COUNT(*) FROM clients WHERE tenant_id = $1 AND id = $2`
	userNamed   = `SELECT COUNT(*) FROM users WHERE tenant_id = $1 AND id = $2`
)

// insertUser adds a user. ErrExists: the id, external id, user name or e-mail is taken, or the id was one of a
// removed user.
func insertUser(c conn, u storage.User) error {
	if _, err := c.Exec(addUser, userValues(u)...); err != nil {
		return err
	}
	// Looked at after the insertion: that has waited for a removal under way.
	if err := engine.None(c, removedUser, u.TenantID, u.ID); err != nil {
		return err
	}
	if storage.SharedID(u.ID) {
		if err := engine.None(c, clientNamed, u.TenantID, u.ID); err != nil {
			return err
		}
	}
	return engine.InsertAll(c, intoTerms, termsOf(u.TenantID, u.ID, u.Profile))
}

// userValues returns the arguments of addUser.
func userValues(u storage.User) []any {
	profile := column.Encode(u.Profile)
	return []any{u.TenantID, u.ID, u.Username, u.UsernameKey, u.Email,
		u.EmailKey, u.EmailVerified, u.Phone, u.PhoneVerified, profile, column.EncodeList(u.Roles),
		u.Disabled, column.Micros(u.SecuredAt), u.CredentialVersion, column.Micros(u.CreatedAt), column.Micros(u.UpdatedAt),
		u.UsernameSkeleton, u.ExternalID, encodeAttributes(u.Attributes), u.AdminRole, profile}
}

const userByID = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`

// User implements storage.Users.
func (s *Store) User(ctx context.Context, tenant, id string) (storage.User, error) {
	u, err := one(ctx, s, userByID, []any{tenant, id}, scanUser)
	return u, engine.Named(err, "user", id)
}

// The comparison with ” lets the engines use the index, which leaves ” out.
const userByEmail = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND email_key = $2 AND email_key <> ''`

// UserByEmail implements storage.Users.
func (s *Store) UserByEmail(ctx context.Context, tenant, emailKey string) (storage.User, error) {
	u, err := one(ctx, s, userByEmail, []any{tenant, emailKey}, scanUser)
	return u, engine.Wrapped(err, "user by e-mail")
}

const usersByPhone = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND phone = $2 AND phone_verified AND phone <> '' LIMIT 2`

// UserByPhone implements storage.Users.
func (s *Store) UserByPhone(ctx context.Context, tenant, phone string) (storage.User, error) {
	all, err := list(ctx, s, usersByPhone, []any{tenant, phone}, scanUser)
	if err == nil && len(all) != 1 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return storage.User{}, engine.Wrapped(err, "user by phone")
	}
	return all[0], nil
}

const userByUsername = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND username_key = $2 AND username_key <> ''`

// UserByUsername implements storage.Users.
func (s *Store) UserByUsername(ctx context.Context, tenant, usernameKey string) (storage.User, error) {
	u, err := one(ctx, s, userByUsername, []any{tenant, usernameKey}, scanUser)
	return u, engine.Wrapped(err, "user by name")
}

const userBySkeleton = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND username_skeleton = $2 AND username_skeleton <> ''`

// UserBySkeleton implements storage.Users.
func (s *Store) UserBySkeleton(ctx context.Context, tenant, skeleton string) (storage.User, error) {
	u, err := one(ctx, s, userBySkeleton, []any{tenant, skeleton}, scanUser)
	return u, engine.Wrapped(err, "user by skeleton")
}

const userByExternalID = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND external_id = $2 AND external_id <> ''`

// UserByExternalID implements storage.Users.
func (s *Store) UserByExternalID(ctx context.Context, tenant, externalID string) (storage.User, error) {
	u, err := one(ctx, s, userByExternalID, []any{tenant, externalID}, scanUser)
	return u, engine.Wrapped(err, "user by external id")
}

const userByUnique = `
	SELECT ` + userColumns + ` FROM users
	WHERE users.tenant_id = $1 AND users.removed_at = 0 AND users.id = (
		SELECT unique_values.user_id FROM unique_values
		WHERE unique_values.tenant_id = $1 AND unique_values.name = $2 AND unique_values.value = $3)`

// UserByUnique implements storage.Users.
func (s *Store) UserByUnique(ctx context.Context, tenant, name, value string) (storage.User, error) {
	u, err := one(ctx, s, userByUnique, []any{tenant, name, value}, scanUser)
	return u, engine.Named(err, "user by", name)
}

const (
	forgetUnique = `DELETE FROM unique_values WHERE tenant_id = $1 AND user_id = $2`
	addUnique    = intoUnique + `($1, $2, $3, $4)`
)

// applyUnique replaces the values that only this user may have.
func applyUnique(c conn, ch *storage.Change) error {
	if ch.Unique == nil {
		return nil
	}
	if _, err := c.Exec(forgetUnique, ch.TenantID, ch.UserID); err != nil {
		return err
	}
	// In one order, so that no two changes wait for each other.
	for _, name := range slices.Sorted(maps.Keys(ch.Unique)) {
		if _, err := c.Exec(addUnique, ch.TenantID, name, ch.Unique[name], ch.UserID); err != nil {
			return err
		}
	}
	return nil
}

const listUsers = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND id > $2 AND removed_at = 0
	ORDER BY id LIMIT $3`

// Users implements storage.Users.
func (s *Store) Users(ctx context.Context, tenant, after string, limit int) ([]storage.User, error) {
	all, err := list(ctx, s, listUsers, []any{tenant, after, limit}, scanUser)
	return all, engine.Named(err, "users after", after)
}

// A user who was read before the name had a skeleton does not lose it by an update.
const setUser = `
	UPDATE users SET username = $3, username_key = $4, email = $5, email_key = $6, email_verified = $7,
		phone = $8, phone_verified = $9, profile = $10, roles = $11, disabled = $12, updated_at = $13, secured_at = $14,
		attributes = $16,
		username_skeleton = CASE WHEN $15 = '' AND username_key = $4 THEN username_skeleton ELSE $15 END
	WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`

const (
	// Both return whether the search terms are to be made anew.
	updateUser = setUser + termsDue
	// updateUserOf is updateUser unless the user was changed since $17.
	updateUserOf = setUser + ` AND updated_at = $17` + termsDue
	termsDue     = ` RETURNING searched <> profile`
)

// applyUpdate stores the user of a change.
func applyUpdate(c conn, ch *storage.Change) error {
	if ch.Update == nil {
		return nil
	}
	query, args, missing := updateUser, updateUserArgs(*ch.Update), storage.ErrNotFound
	if !ch.UpdateOf.IsZero() {
		query, args, missing = updateUserOf, append(args, column.Micros(ch.UpdateOf)), storage.ErrStale
	}
	var due bool
	switch err := c.Row(query, args...).Scan(&due); {
	case errors.Is(err, storage.ErrNotFound):
		return missing
	case err != nil || !due:
		return err
	}
	return replaceTerms(c, ch.Update.TenantID, ch.Update.ID, ch.Update.Profile)
}

// updateUserArgs returns the arguments of updateUser.
func updateUserArgs(u storage.User) []any {
	return []any{u.TenantID, u.ID, u.Username, u.UsernameKey, u.Email,
		u.EmailKey, u.EmailVerified, u.Phone, u.PhoneVerified, column.Encode(u.Profile), column.EncodeList(u.Roles),
		u.Disabled, column.Micros(u.UpdatedAt), column.Micros(u.SecuredAt), u.UsernameSkeleton,
		encodeAttributes(u.Attributes)}
}

const (
	intoUsers = `
		INSERT INTO users (tenant_id, id, username, username_key, email,
			email_key, email_verified, phone, phone_verified, profile, roles,
			disabled, secured_at, credential_version, created_at, updated_at, username_skeleton, external_id, attributes,
			admin_role, searched)
		VALUES `
	intoCredentials = `INSERT INTO credentials (` + credentialColumns + `) VALUES `
	intoIdentities  = `INSERT INTO identities (` + identityColumns + `) VALUES `
	intoUnique      = `INSERT INTO unique_values (tenant_id, name, value, user_id) VALUES `
	insertLastUses  = `INSERT INTO last_uses (tenant_id, user_id, signed_in_at, active_at) VALUES `
	removedUsers    = `SELECT COUNT(*) FROM removed_users WHERE tenant_id = $1 AND id IN `
	clientsNamed    = `SELECT COUNT(*) FROM clients WHERE tenant_id = $1 AND id IN `
)

// mostIDs is how many ids one statement looks for.
const mostIDs = 256

// noneOf returns ErrExists if the query, which ends before its list of ids, counts rows of the tenant with one of them.
func noneOf(c conn, query, tenant string, ids []any) error {
	for some := range slices.Chunk(ids, mostIDs) {
		err := engine.None(c, query+engine.Placeholders(1, len(some)), append([]any{tenant}, some...)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// insertUsers adds users with what proves them. A statement adds the rows of several users.
func insertUsers(c conn, tenant string, all []storage.NewUser) error {
	var users, credentials, identities, unique, terms [][]any
	var shared []any // the ids that clients could have, too
	ids := make([]any, 0, len(all))
	for _, u := range all {
		u.TenantID = tenant
		users, ids = append(users, userValues(u.User)), append(ids, u.ID)
		if storage.SharedID(u.ID) {
			shared = append(shared, u.ID)
		}
		for _, cr := range u.Credentials {
			credentials = append(credentials,
				[]any{tenant, u.ID, cr.Kind, cr.ID, cr.Data, column.Micros(cr.CreatedAt), column.Micros(cr.UpdatedAt),
					column.Micros(cr.ExpiresAt)})
		}
		terms = append(terms, termsOf(tenant, u.ID, u.Profile)...)
		for name, value := range u.Unique {
			unique = append(unique, []any{tenant, name, value, u.ID})
		}
		for _, i := range u.Identities {
			identities = append(identities, []any{tenant, i.Provider, i.Subject, u.ID, i.Email, column.Micros(i.CreatedAt)})
		}
	}
	if err := engine.InsertAll(c, intoUsers, users); err != nil {
		return err
	}
	// Looked at after the insertion: that has waited for a removal under way.
	if err := noneOf(c, removedUsers, tenant, ids); err != nil {
		return err
	}
	if err := noneOf(c, clientsNamed, tenant, shared); err != nil {
		return err
	}
	for _, part := range []struct {
		into string
		rows [][]any
	}{{intoCredentials, credentials}, {intoUnique, unique}, {intoTerms, terms}, {intoIdentities, identities}} {
		if err := engine.InsertAll(c, part.into, part.rows); err != nil {
			return err
		}
	}
	return nil
}

// holdRole locks the user in the role that the change rests on. It changes nothing, but compares what is stored when
// the lock is had: a role that was read before may be another by then.
const holdRole = `
	UPDATE users SET admin_role = admin_role
	WHERE tenant_id = $1 AND id = $2 AND admin_role = $3 AND removed_at = 0`

// holdRoleWas locks the user in the role that a change rests on, if it names one.
func holdRoleWas(c conn, tenant, userID string, was *string) error {
	if was == nil {
		return nil
	}
	return engine.Must(c, storage.ErrStale, holdRole, tenant, userID, *was)
}
