package sqldb

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const factorsBetween = `
	SELECT DISTINCT user_id, kind FROM credentials
	WHERE tenant_id = $1 AND user_id >= $2 AND user_id <= $3 AND kind IN ('totp', 'passkey', 'recovery')`

// usesBetween returns when each user signed in and was active last. Nothing is written for it that would not be
// written anyway: sessions and grants have it, last_uses has what those had that were deleted, and the audit
// trail has sign-ins from before there was last_uses.
const usesBetween = `
	SELECT user_id, MAX(signed_in_at), MAX(active_at) FROM (
		SELECT user_id, auth_time AS signed_in_at, ` + sessionActive + ` AS active_at FROM sessions
		WHERE tenant_id = $1 AND user_id >= $2 AND user_id <= $3 AND actor_id = ''
		UNION ALL
		SELECT user_id, 0, ` + grantActive + ` FROM grants
		WHERE tenant_id = $1 AND user_id >= $2 AND user_id <= $3
		UNION ALL
		SELECT user_id, signed_in_at, active_at FROM last_uses
		WHERE tenant_id = $1 AND user_id >= $2 AND user_id <= $3
		UNION ALL
		SELECT users.id, audit.at, audit.at FROM users
		JOIN audit ON audit.tenant_id = users.tenant_id AND audit.id = (
			SELECT latest.id FROM audit AS latest
			WHERE latest.tenant_id = users.tenant_id AND latest.user_id = users.id AND latest.user_id <> ''
				AND latest.kind = 'login.succeeded'
			ORDER BY latest.id DESC LIMIT 1)
		WHERE users.tenant_id = $1 AND users.id >= $2 AND users.id <= $3) AS found
	GROUP BY user_id`

// When the user of a session or grant was active last, as far as its row tells.
const (
	sessionActive = `CASE WHEN seen_at > auth_time THEN seen_at ELSE auth_time END`
	grantActive   = `CASE WHEN used_at > rotated_at THEN used_at ELSE rotated_at END`
)

// Standings implements storage.Standings.
func (s *Store) Standings(ctx context.Context, tenant, first, last string) (map[string]storage.Standing, error) {
	kinds, err := list(ctx, s, factorsBetween, []any{tenant, first, last}, scanFactor)
	if err != nil {
		return nil, engine.Named(err, "second factors from user", first)
	}
	seen, err := list(ctx, s, usesBetween, []any{tenant, first, last}, scanUse)
	if err != nil {
		return nil, engine.Named(err, "activity from user", first)
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
	emails, err := list(ctx, s, emailsFrom, args, engine.ScanText)
	if err != nil {
		return nil, engine.Named(err, "addresses from", beginning)
	}
	names, err := list(ctx, s, usernamesFrom, args, engine.ScanText)
	return append(emails, names...), engine.Named(err, "usernames from", beginning)
}

// scanFactor reads a row of factorsBetween.
func scanFactor(row scanner) (c storage.Credential, err error) {
	err = row.Scan(&c.UserID, &c.Kind)
	return c, err
}

// scanUse reads a row of usesBetween.
func scanUse(row scanner) (v storage.Standing, err error) {
	err = row.Scan(&v.UserID, column.Time(&v.LastSignIn), column.Time(&v.LastActivity))
	return v, err
}
