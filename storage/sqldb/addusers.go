package sqldb

import (
	"context"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	intoUsers = `
		INSERT INTO users (tenant_id, id, username, username_key, email,
			email_key, email_verified, phone, phone_verified, profile, roles,
			disabled, secured_at, credential_version, created_at, updated_at, username_skeleton, external_id)
		VALUES `
	intoCredentials = `INSERT INTO credentials (` + credentialColumns + `) VALUES `
	intoIdentities  = `INSERT INTO identities (` + identityColumns + `) VALUES `
	removedUsers    = `SELECT COUNT(*) FROM removed_users WHERE tenant_id = $1 AND id IN `
)

// AddUsers implements storage.NewUsers. A statement adds the rows of all users: one for each row, and a transaction
// for each user, took several times as long.
func (s *Store) AddUsers(ctx context.Context, tenant string, all []storage.NewUser) error {
	if len(all) == 0 {
		return nil
	}
	err := s.engine.transact(ctx, func(c conn) error {
		var users, credentials, identities [][]any
		ids := []any{tenant}
		for _, u := range all {
			u.TenantID = tenant
			users, ids = append(users, userValues(u.User)), append(ids, u.ID)
			for _, cr := range u.Credentials {
				credentials = append(credentials,
					[]any{tenant, u.ID, cr.Kind, cr.ID, cr.Data, micros(cr.CreatedAt), micros(cr.UpdatedAt)})
			}
			for _, i := range u.Identities {
				identities = append(identities, []any{tenant, i.Provider, i.Subject, u.ID, i.Email, micros(i.CreatedAt)})
			}
		}
		if err := insertAll(c, intoUsers, users); err != nil {
			return err
		}
		// Looked at after the insertion: that has waited for a removal under way.
		if err := none(c, removedUsers+placeholders(1, len(all)), ids...); err != nil {
			return err
		}
		if err := insertAll(c, intoCredentials, credentials); err != nil {
			return err
		}
		return insertAll(c, intoIdentities, identities)
	})
	return wrapped(err, "add users")
}

// insertAll inserts rows, which have the same number of values.
func insertAll(c conn, into string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var query strings.Builder
	query.WriteString(into)
	args := make([]any, 0, len(rows)*len(rows[0]))
	for i, row := range rows {
		if i > 0 {
			query.WriteByte(',')
		}
		query.WriteString(placeholders(len(args), len(row)))
		args = append(args, row...)
	}
	_, err := c.exec(query.String(), args...)
	return err
}

// placeholders returns ($4, $5) for n of two values behind three.
func placeholders(behind, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",$")
		b.WriteString(strconv.Itoa(behind + i + 1))
	}
	return "(" + b.String()[1:] + ")"
}
