package sqldb

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// The comparisons with ” let the engines use indices that leave ” out.
const (
	usersFromEmail = `
		SELECT ` + userColumns + ` FROM users
		WHERE tenant_id = $1 AND email_key >= $2 AND email_key < $3 AND email_key > $4 AND email_key <> ''
			AND removed_at = 0
		ORDER BY email_key LIMIT $5`
	usersFromUsername = `
		SELECT ` + userColumns + ` FROM users
		WHERE tenant_id = $1 AND username_key >= $2 AND username_key < $3 AND username_key > $4 AND username_key <> ''
			AND removed_at = 0
		ORDER BY username_key LIMIT $5`
	usersFromPhone = `
		SELECT ` + userColumns + ` FROM users
		WHERE tenant_id = $1 AND phone >= $2 AND phone < $3 AND phone > $4 AND phone_verified AND phone <> ''
			AND removed_at = 0
		ORDER BY phone LIMIT $5`
	usersFromID = `
		SELECT ` + userColumns + ` FROM users
		WHERE tenant_id = $1 AND id >= $2 AND id < $3 AND id > $4 AND removed_at = 0
		ORDER BY id LIMIT $5`
)

// usersFrom are the queries of UsersFrom.
var usersFrom = map[storage.UserKey]string{
	storage.ByEmail: usersFromEmail, storage.ByUsername: usersFromUsername, storage.ByPhone: usersFromPhone,
	storage.ByID: usersFromID,
}

// UsersFrom implements storage.Users.
func (s *Store) UsersFrom(
	ctx context.Context, tenant string, by storage.UserKey, beginning, after string, limit int,
) ([]storage.User, error) {
	args := []any{tenant, beginning, beginning + afterBeginning, after, limit}
	all, err := list(ctx, s, usersFrom[by], args, scanUser)
	return all, engine.Named(err, "users from", beginning)
}
