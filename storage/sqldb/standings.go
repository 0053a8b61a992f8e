package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const factorsBetween = `
	SELECT DISTINCT user_id, kind FROM credentials
	WHERE tenant_id = $1 AND user_id >= $2 AND user_id <= $3 AND kind IN ('totp', 'passkey', 'recovery')`

const signInsBetween = `
	SELECT user_id, MAX(at) FROM audit
	WHERE tenant_id = $1 AND user_id >= $2 AND user_id <= $3 AND user_id <> '' AND kind = 'login.succeeded'
	GROUP BY user_id`

// Standings implements storage.Standings.
func (s *Store) Standings(ctx context.Context, tenant, first, last string) (map[string]storage.Standing, error) {
	kinds, err := list(ctx, s, factorsBetween, []any{tenant, first, last}, scanFactor)
	if err != nil {
		return nil, named(err, "second factors from user", first)
	}
	seen, err := list(ctx, s, signInsBetween, []any{tenant, first, last}, scanSignIn)
	if err != nil {
		return nil, named(err, "sign-ins from user", first)
	}
	credentials := map[string][]storage.Credential{}
	for _, c := range kinds {
		credentials[c.UserID] = append(credentials[c.UserID], c)
	}
	all := map[string]storage.Standing{}
	for id, of := range credentials {
		if storage.HasSecondFactor(of) {
			all[id] = storage.Standing{UserID: id, SecondFactor: true}
		}
	}
	for _, v := range seen {
		v.SecondFactor = all[v.UserID].SecondFactor
		all[v.UserID] = v
	}
	return all, nil
}

// afterBeginning follows all texts that begin with what stands before it.
const afterBeginning = "\U0010FFFF"

const emailsFrom = `
	SELECT email_key FROM users
	WHERE tenant_id = $1 AND email_key >= $2 AND email_key < $3 AND email_key <> '' AND removed_at = 0
	ORDER BY email_key LIMIT $4`

const usernamesFrom = `
	SELECT username_key FROM users
	WHERE tenant_id = $1 AND username_key >= $2 AND username_key < $3 AND username_key <> '' AND removed_at = 0
	ORDER BY username_key LIMIT $4`

// NamesFrom implements storage.Standings.
func (s *Store) NamesFrom(ctx context.Context, tenant, beginning string, limit int) ([]string, error) {
	args := []any{tenant, beginning, beginning + afterBeginning, limit}
	emails, err := list(ctx, s, emailsFrom, args, scanText)
	if err != nil {
		return nil, named(err, "addresses from", beginning)
	}
	names, err := list(ctx, s, usernamesFrom, args, scanText)
	return append(emails, names...), named(err, "usernames from", beginning)
}

func scanFactor(row scanner) (c storage.Credential, err error) {
	err = row.Scan(&c.UserID, &c.Kind)
	return c, err
}

func scanSignIn(row scanner) (v storage.Standing, err error) {
	var at time.Time
	err = row.Scan(&v.UserID, timeColumn{&at})
	v.LastSignIn = at
	return v, err
}
