package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/terms"
)

// The comparisons with ” let the engines use indices that leave ” out. A row is compared with the place as one value:
// with a bound for the beginning and another one for the place, SQLite would read from the beginning each time.
const (
	usersInEmail = `
		SELECT ` + userColumns + `, users.email_key FROM users
		WHERE tenant_id = $1 AND (email_key, id) > ($2, $3) AND email_key < $4 AND email_key <> '' AND removed_at = 0
		ORDER BY email_key, id LIMIT $5`
	usersInUsername = `
		SELECT ` + userColumns + `, users.username_key FROM users
		WHERE tenant_id = $1 AND (username_key, id) > ($2, $3) AND username_key < $4 AND username_key <> ''
			AND removed_at = 0
		ORDER BY username_key, id LIMIT $5`
	usersInPhone = `
		SELECT ` + userColumns + `, users.phone FROM users
		WHERE tenant_id = $1 AND (phone, id) > ($2, $3) AND phone < $4 AND phone_verified AND phone <> ''
			AND removed_at = 0
		ORDER BY phone, id LIMIT $5`
	usersInID = `
		SELECT ` + userColumns + `, users.id FROM users
		WHERE tenant_id = $1 AND id >= $2 AND id <> $3 AND id < $4 AND removed_at = 0
		ORDER BY id LIMIT $5`
	usersInExternalID = `
		SELECT ` + userColumns + `, users.external_id FROM users
		WHERE tenant_id = $1 AND (external_id, id) > ($2, $3) AND external_id < $4 AND external_id <> ''
			AND removed_at = 0
		ORDER BY external_id, id LIMIT $5`
	usersInName = `
		SELECT ` + userColumns + `, search_terms.term FROM search_terms
		JOIN users ON users.tenant_id = search_terms.tenant_id AND users.id = search_terms.user_id
		WHERE search_terms.tenant_id = $1 AND (search_terms.term, search_terms.user_id) > ($2, $3)
			AND search_terms.term < $4 AND users.removed_at = 0
		ORDER BY search_terms.term, search_terms.user_id LIMIT $5`
)

// usersIn are the queries of UsersIn.
var usersIn = map[storage.UserKey]string{
	storage.ByEmail: usersInEmail, storage.ByUsername: usersInUsername, storage.ByPhone: usersInPhone,
	storage.ByID: usersInID, storage.ByExternalID: usersInExternalID, storage.ByName: usersInName,
}

// UsersIn implements storage.Users.
func (s *Store) UsersIn(
	ctx context.Context, tenant string, in storage.UserSpan, behind storage.UserPlace, limit int,
) ([]storage.FoundUser, error) {
	if behind == (storage.UserPlace{}) {
		behind.Key = in.From
	}
	args := []any{tenant, behind.Key, behind.ID, in.To, limit}
	all, err := list(ctx, s, usersIn[in.By], args, func(row scanner) (f storage.FoundUser, err error) {
		err = row.Scan(append(userFields(&f.User), &f.Key)...)
		return f, err
	})
	return all, engine.Named(err, "users from", in.From)
}

const (
	intoTerms   = `INSERT INTO search_terms (tenant_id, user_id, term) VALUES `
	forgetTerms = `DELETE FROM search_terms WHERE tenant_id = $1 AND user_id = $2`
	setSearched = `UPDATE users SET searched = profile WHERE tenant_id = $1 AND id = $2`
)

// replaceTerms makes the search terms of a stored user those of the profile.
func replaceTerms(c conn, tenant, id string, p storage.Profile) error {
	if _, err := c.Exec(forgetTerms, tenant, id); err != nil {
		return err
	}
	if err := engine.InsertAll(c, intoTerms, termsOf(tenant, id, p)); err != nil {
		return err
	}
	_, err := c.Exec(setSearched, tenant, id)
	return err
}

// termsOf returns the rows of intoTerms.
func termsOf(tenant, id string, p storage.Profile) (rows [][]any) {
	for _, term := range terms.Of(p) {
		rows = append(rows, []any{tenant, id, term})
	}
	return rows
}

const (
	// The index of these users has no others.
	unsearchedSQLite = `
		SELECT tenant_id, id, profile FROM users
		WHERE searched <> profile AND (tenant_id, id) > ($1, $2)
		ORDER BY tenant_id, id LIMIT $3`
	// Another replica works on the users that are locked, or a change that makes their terms.
	unsearchedPostgres = unsearchedSQLite + ` FOR UPDATE SKIP LOCKED`
)

// IndexNames implements storage.Users.
func (s *Store) IndexNames(ctx context.Context) (n int64, err error) {
	tenant, after := "", ""
	err = s.worker.InParts(ctx, func(rows int) (more bool, held time.Duration, err error) {
		var users []storage.User
		err = s.engine.Transact(ctx, func(c conn) error {
			began := time.Now()
			defer func() { held = time.Since(began) }()
			users, err = unsearched(c, s.text(unsearchedSQLite, unsearchedPostgres), tenant, after, rows)
			for i := 0; err == nil && i < len(users); i++ {
				err = replaceTerms(c, users[i].TenantID, users[i].ID, users[i].Profile)
			}
			return err
		})
		if err != nil || len(users) == 0 {
			return false, held, err
		}
		last := users[len(users)-1]
		tenant, after = last.TenantID, last.ID
		n += int64(len(users))
		return true, held, nil
	})
	return n, engine.Wrapped(err, "index names")
}

// unsearched returns users whose search terms are not those of their profile.
func unsearched(c conn, query, tenant, after string, limit int) (users []storage.User, err error) {
	err = c.Each(query, []any{tenant, after, limit}, func(row scanner) error {
		var u storage.User
		err := row.Scan(&u.TenantID, &u.ID, profileColumn{&u.Profile})
		users = append(users, u)
		return err
	})
	return users, err
}
