package sqldb

import (
	"github.com/vouchsafe/vouchsafe/storage"
)

// ending is the part of a change that ends sessions, consents and grants. The order is that of
// storage.Change: once a session or a consent has ended, no code makes a grant that rests on it, and a
// revocation that comes after it misses none.
type ending struct {
	storage.Ended
	s    *Store
	c    conn
	ch   *storage.Change
	left []storage.Removal // what is too much for one transaction
}

func (e *ending) end() error {
	if e.ch.EndSessions != nil {
		if err := e.endSessions(*e.ch.EndSessions); err != nil {
			return err
		}
	}
	if e.ch.Withdraw != "" {
		if err := e.withdraw(); err != nil {
			return err
		}
	}
	for _, r := range e.ch.Revoke {
		if _, err := e.revoke(r.GrantFilter, r.Why); err != nil {
			return err
		}
	}
	return nil
}

const (
	endSession = `
		UPDATE sessions SET ended_at = $3
		WHERE tenant_id = $1 AND id = $2 AND ended_at = 0 AND ($4 = '' OR user_id = $4)`
	// So many at a time, $5.
	endSessions = `
		UPDATE sessions SET ended_at = $3
		WHERE tenant_id = $1 AND ended_at = 0 AND (tenant_id, id) IN (
			SELECT tenant_id, id FROM sessions
			WHERE tenant_id = $1 AND user_id = $2 AND id <> $4 AND ended_at = 0 LIMIT $5)`

	endSessionSQLite    = endSession + andClients + `json_group_array(DISTINCT client_id)` + ofSession
	endSessionPostgres  = endSession + andClients + `COALESCE(json_agg(DISTINCT client_id), '[]')::text` + ofSession
	endSessionsSQLite   = endSessions + andClients + `json_group_array(DISTINCT client_id)` + ofSession
	endSessionsPostgres = endSessions + andClients + `COALESCE(json_agg(DISTINCT client_id), '[]')::text` + ofSession

	// The engines have no function in common that makes a list of rows.
	andClients = ` RETURNING id, user_id, (SELECT `
	ofSession  = ` FROM grants
		WHERE grants.tenant_id = sessions.tenant_id AND grants.session_id = sessions.id AND grants.session_id <> '')`
)

const (
	// They change nothing, and yet lock the row: those who end each other queue at the person.
	holdUser    = `UPDATE users SET credential_version = credential_version WHERE tenant_id = $1 AND id = $2`
	holdSession = `
		UPDATE sessions SET ended_at = ended_at
		WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND ended_at = 0`
)

func (e *ending) endSessions(which storage.SessionFilter) error {
	one, all := endSessionSQLite, endSessionsSQLite
	if e.s.postgres {
		one, all = endSessionPostgres, endSessionsPostgres
	}
	if len(which.IDs) > 0 {
		for _, id := range which.IDs {
			if _, err := e.endThose(one, e.ch.TenantID, id, micros(e.ch.Now), e.ch.UserID); err != nil {
				return err
			}
		}
		return nil
	}
	if which.Except != "" {
		if err := must(e.c, storage.ErrStale, holdUser, e.ch.TenantID, e.ch.UserID); err != nil {
			return err
		}
		if err := must(e.c, storage.ErrStale, holdSession, e.ch.TenantID, e.ch.UserID, which.Except); err != nil {
			return err
		}
	}
	n, err := e.endThose(all, e.ch.TenantID, e.ch.UserID, micros(e.ch.Now), which.Except, e.s.atOnce)
	if err != nil || n < e.s.atOnce {
		return err
	}
	return e.leaveSessions(which.Except)
}

// endThose runs one of the statements that end sessions, and returns how many it ended.
func (e *ending) endThose(query string, args ...any) (n int, err error) {
	err = e.c.each(query, args, func(row scanner) error {
		var s storage.EndedSession
		err := row.Scan(&s.ID, &s.UserID, listColumn{&s.Clients})
		e.Sessions = append(e.Sessions, s)
		n++
		return err
	})
	return n, err
}

// sessionsBut are a person's sessions but one.
type sessionsBut struct{ UserID, Except string }

const lastSessionOfUser = `SELECT id FROM sessions WHERE tenant_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1`

// leaveSessions notes that there may be more of the person's sessions to end.
func (e *ending) leaveSessions(except string) error {
	bound, err := scanText(e.c.row(lastSessionOfUser, e.ch.TenantID, e.ch.UserID))
	if err != nil {
		return err
	}
	r := removal{bound: bound, Removal: storage.Removal{
		TenantID: e.ch.TenantID, Kind: storage.RemovalSessions, ID: encode(sessionsBut{e.ch.UserID, except}), Since: e.ch.Now,
	}}
	e.left = append(e.left, r.Removal)
	return begin(e.c, r)
}

const (
	removeConsent = `
		DELETE FROM consents
		WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3`
	removeConsents = `DELETE FROM consents WHERE tenant_id = $1 AND user_id = $2`
)

// withdraw revokes the client's grants even without a consent: first-party clients have none.
func (e *ending) withdraw() error {
	if e.ch.Withdraw == storage.AllIDs {
		if _, err := e.c.exec(removeConsents, e.ch.TenantID, e.ch.UserID); err != nil {
			return err
		}
		_, err := e.revoke(storage.GrantFilter{UserID: e.ch.UserID}, "consent withdrawn")
		return err
	}
	removed, err := e.c.exec(removeConsent, e.ch.TenantID, e.ch.UserID, e.ch.Withdraw)
	if err != nil {
		return err
	}
	revoked, err := e.revoke(storage.GrantFilter{UserID: e.ch.UserID, ClientID: e.ch.Withdraw}, "consent withdrawn")
	if err == nil && removed == 0 && revoked == 0 {
		return storage.ErrNotFound
	}
	return err
}

// revoke revokes the grants that the filter names, and returns how many.
func (e *ending) revoke(which storage.GrantFilter, why string) (int, error) {
	revoked, more, err := e.s.revoke(e.c, e.ch.TenantID, which, why, e.ch.Now)
	e.Grants = append(e.Grants, revoked...)
	if more {
		e.left = append(e.left, grantsLeft(e.ch.TenantID, which))
	}
	return len(revoked), err
}
