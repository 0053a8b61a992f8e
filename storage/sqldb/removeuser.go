package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	hangsOnUser = `
		SELECT (SELECT COUNT(*) FROM (
			SELECT 1 FROM sessions WHERE tenant_id = $1 AND user_id = $2 LIMIT $3) AS found)
		+ (SELECT COUNT(*) FROM (
			SELECT 1 FROM grants WHERE tenant_id = $1 AND user_id = $2 LIMIT $3) AS found)
		+ (SELECT COUNT(*) FROM (
			SELECT 1 FROM consents WHERE tenant_id = $1 AND user_id = $2 LIMIT $3) AS found)`
	// Foreign keys take along credentials, identities, sessions, consents and grants.
	removeUser = `DELETE FROM users WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	// The id of the user is left, to which sessions and grants belong; the version ends them. The
	// address and the name are free at once.
	markUser = `
		UPDATE users SET removed_at = $3, username = '', username_key = '', username_skeleton = '',
			email = '', email_key = '',
			email_verified = FALSE, phone = '', phone_verified = FALSE, profile = '{}', roles = '[]',
			disabled = TRUE, credential_version = credential_version + 1, updated_at = $3
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	removeAllCredentials = `DELETE FROM credentials WHERE tenant_id = $1 AND user_id = $2`
	buryUser             = `INSERT INTO removed_users (tenant_id, id, removed_at) VALUES ($1, $2, $3)`
)

// bury removes the user, and stores that the id was used.
func (s *Store) bury(c conn, tenant, id string, now time.Time) error {
	n, err := scanCount(c.row(hangsOnUser, tenant, id, s.atOnce+1))
	if err != nil {
		return err
	}
	if n <= int64(s.atOnce) {
		err = must(c, storage.ErrNotFound, removeUser, tenant, id)
	} else {
		err = markUserRemoved(c, tenant, id, now)
	}
	if err != nil {
		return err
	}
	_, err = c.exec(buryUser, tenant, id, micros(now))
	return err
}

// markUserRemoved removes a user with many sessions or grants: the user and the credentials go at once, the rest
// by a removal.
func markUserRemoved(c conn, tenant, id string, now time.Time) error {
	if err := must(c, storage.ErrNotFound, markUser, tenant, id, micros(now)); err != nil {
		return err
	}
	for _, query := range []string{removeAllCredentials, unlinkIdentities} {
		if _, err := c.exec(query, tenant, id); err != nil {
			return err
		}
	}
	return begin(c, removal{Removal: storage.Removal{TenantID: tenant, Kind: storage.RemovalUser, ID: id, Since: now}})
}

const (
	edgeOfUserSessions = `
		SELECT id FROM sessions
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	removeUserSessions = `
		DELETE FROM sessions
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3 AND id <= $4`
	edgeOfUserGrants = `
		SELECT id FROM grants
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	removeUserGrants = `
		DELETE FROM grants
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3 AND id <= $4`
	edgeOfUserConsents = `
		SELECT client_id FROM consents
		WHERE tenant_id = $1 AND user_id = $2 AND client_id > $3
		ORDER BY client_id LIMIT 1 OFFSET $4`
	removeUserConsents = `
		DELETE FROM consents
		WHERE tenant_id = $1 AND user_id = $2 AND client_id > $3 AND client_id <= $4`
	removeMarkedUser = `DELETE FROM users WHERE tenant_id = $1 AND id = $2 AND removed_at <> 0`
)

// removeRestOfUser deletes the sessions, grants and consents of a removed user, and then the user's row.
func (s *Store) removeRestOfUser(ctx context.Context, r removal, told func(rows int64)) error {
	args := []any{r.TenantID, r.ID}
	if r.onEnd != nil { // report the sessions that the change has left, before they are deleted
		err := s.walk(ctx, walk{
			edge: edgeOfUserSessions, do: endRestOfUserSessions, args: args, more: []any{micros(r.Since), ""},
			run: s.tellSessions(r, ending{raised: true}, s.text(endRestOfSessionsSQLite, endRestOfSessionsPostgres)),
		}, told)
		if err != nil {
			return err
		}
	}
	err := s.walkAll(ctx, told,
		walk{edge: edgeOfUserSessions, do: removeUserSessions, args: args},
		walk{edge: edgeOfUserGrants, do: removeUserGrants, args: args},
		walk{edge: edgeOfUserConsents, do: removeUserConsents, args: args},
	)
	if err != nil {
		return err
	}
	_, err = s.put(ctx, removeMarkedUser, args...)
	return err
}
