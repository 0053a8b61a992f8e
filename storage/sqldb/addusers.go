package sqldb

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	intoUsers = `
		INSERT INTO users (tenant_id, id, username, username_key, email,
			email_key, email_verified, phone, phone_verified, profile, roles,
			disabled, secured_at, credential_version, created_at, updated_at, username_skeleton, external_id, attributes,
			admin_role)
		VALUES `
	intoCredentials = `INSERT INTO credentials (` + credentialColumns + `) VALUES `
	intoIdentities  = `INSERT INTO identities (` + identityColumns + `) VALUES `
	intoUnique      = `INSERT INTO unique_values (tenant_id, name, value, user_id) VALUES `
	removedUsers    = `SELECT COUNT(*) FROM removed_users WHERE tenant_id = $1 AND id IN `
)

// mostIDs is how many ids one statement looks for.
const mostIDs = 256

// insertUsers adds users with what proves them. A statement adds the rows of several users.
func insertUsers(c conn, tenant string, all []storage.NewUser) error {
	var users, credentials, identities, unique [][]any
	ids := make([]any, 0, len(all))
	for _, u := range all {
		u.TenantID = tenant
		users, ids = append(users, userValues(u.User)), append(ids, u.ID)
		for _, cr := range u.Credentials {
			credentials = append(credentials,
				[]any{tenant, u.ID, cr.Kind, cr.ID, cr.Data, micros(cr.CreatedAt), micros(cr.UpdatedAt), micros(cr.ExpiresAt)})
		}
		for name, value := range u.Unique {
			unique = append(unique, []any{tenant, name, value, u.ID})
		}
		for _, i := range u.Identities {
			identities = append(identities, []any{tenant, i.Provider, i.Subject, u.ID, i.Email, micros(i.CreatedAt)})
		}
	}
	if err := insertAll(c, intoUsers, users); err != nil {
		return err
	}
	// Looked at after the insertion: that has waited for a removal under way.
	for some := range slices.Chunk(ids, mostIDs) {
		if err := none(c, removedUsers+placeholders(1, len(some)), append([]any{tenant}, some...)...); err != nil {
			return err
		}
	}
	if err := insertAll(c, intoCredentials, credentials); err != nil {
		return err
	}
	if err := insertAll(c, intoUnique, unique); err != nil {
		return err
	}
	return insertAll(c, intoIdentities, identities)
}

// insertAll inserts rows, which have the same number of values.
func insertAll(c conn, into string, rows [][]any) error {
	for some := range slices.Chunk(rows, c.RowsAtOnce()) {
		var query strings.Builder
		query.WriteString(into)
		args := make([]any, 0, len(some)*len(some[0]))
		for i, row := range some {
			if i > 0 {
				query.WriteByte(',')
			}
			query.WriteString(placeholders(len(args), len(row)))
			args = append(args, row...)
		}
		if _, err := c.Exec(query.String(), args...); err != nil {
			return err
		}
	}
	return nil
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
