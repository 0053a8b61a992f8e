package sqldb

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// The ids of users are one parameter: for SQLite a JSON list, for PostgreSQL an array.
const (
	idsSQLite   = `IN (SELECT found.value FROM json_each($2) AS found)`
	idsPostgres = `= ANY($2)`

	factorsSQLite   = factorsOf + idsSQLite
	factorsPostgres = factorsOf + idsPostgres
	factorsOf       = `
		SELECT DISTINCT user_id, kind FROM credentials
		WHERE tenant_id = $1 AND kind IN ('totp', 'passkey', 'recovery') AND user_id `

	// Both return when each user signed in and was active last. Nothing is written for it that would not be
	// written anyway: sessions and grants have it, last_uses has what those had that were deleted, and the audit
	// trail has sign-ins from before there was last_uses.
	usesSQLite = usesOfSessions + idsSQLite + usesOfGrants + idsSQLite + usesOfDeleted + idsSQLite + usesOfEvents +
		idsSQLite + usesByUser
	usesPostgres = usesOfSessions + idsPostgres + usesOfGrants + idsPostgres + usesOfDeleted + idsPostgres +
		usesOfEvents + idsPostgres + usesByUser

	usesOfSessions = `
		SELECT user_id, MAX(signed_in_at), MAX(active_at) FROM (
			SELECT user_id, auth_time AS signed_in_at, ` + sessionActive + ` AS active_at FROM sessions
			WHERE tenant_id = $1 AND actor_id = '' AND user_id `
	usesOfGrants = `
			UNION ALL
			SELECT user_id, 0, ` + grantActive + ` FROM grants
			WHERE tenant_id = $1 AND user_id `
	usesOfDeleted = `
			UNION ALL
			SELECT user_id, signed_in_at, active_at FROM last_uses
			WHERE tenant_id = $1 AND user_id `
	usesOfEvents = `
			UNION ALL
			SELECT users.id, audit.at, audit.at FROM users
			JOIN audit ON audit.tenant_id = users.tenant_id AND audit.id = (
				SELECT latest.id FROM audit AS latest
				WHERE latest.tenant_id = users.tenant_id AND latest.user_id = users.id AND latest.user_id <> ''
					AND latest.kind = 'login.succeeded'
				ORDER BY latest.id DESC LIMIT 1)
			WHERE users.tenant_id = $1 AND users.id `
	usesByUser = `) AS found
		GROUP BY user_id`
)

// When the user of a session or grant was active last, as far as its row tells.
const (
	sessionActive = `CASE WHEN seen_at > auth_time THEN seen_at ELSE auth_time END`
	grantActive   = `CASE WHEN used_at > rotated_at THEN used_at ELSE rotated_at END`
)

// Standings implements storage.Standings.
func (s *Store) Standings(ctx context.Context, tenant string, ids []string) (map[string]storage.Standing, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var asked any = ids
	if !s.postgres {
		asked = column.EncodeList(ids)
	}
	kinds, err := list(ctx, s, s.text(factorsSQLite, factorsPostgres), []any{tenant, asked}, scanFactor)
	if err != nil {
		return nil, engine.Named(err, "second factors of users of", tenant)
	}
	seen, err := list(ctx, s, s.text(usesSQLite, usesPostgres), []any{tenant, asked}, scanUse)
	if err != nil {
		return nil, engine.Named(err, "activity of users of", tenant)
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
