package sqldb

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/outbox"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

// ending is the part of a change that ends sessions, consents and grants. The order is that of
// storage.Change: once a session or a consent has ended, no code makes a grant that depends on it, and
// a revocation that comes after it misses none.
type ending struct {
	storage.Ended
	s  *Store
	c  conn
	ch *storage.Change
	// alive is the CredentialVersion of the sessions that are alive; 0 where it is the user's, or with
	// raised the one before.
	alive  int64
	raised bool
	seen   int64             // alive, of the last session that was seen
	tells  bool              // a client of the tenant hears of logouts; asked where all sessions of a user end
	left   []storage.Removal // what is too much for one transaction
}

// end ends what the change names, and notes what it has ended.
func (e *ending) end() error {
	which := e.ch.EndSessions
	if e.ch.Raise || e.ch.Remove { // otherwise what ends sessions asks
		n, err := engine.ScanCount(e.c.Row(outbox.HearsLogouts, e.ch.TenantID))
		if err != nil {
			return err
		}
		e.tells = n > 0
	}
	if (e.ch.OnEnd != nil || e.tells) && (e.ch.Raise || e.ch.Remove) && (which == nil || len(which.IDs) > 0) {
		which = &storage.SessionFilter{Except: newSession(e.ch)} // all end: OnEnd is told of each
	}
	if which != nil {
		if err := e.endSessions(*which); err != nil {
			return err
		}
	}
	if e.ch.RemoveActed != "" {
		err := engine.Must(e.c, storage.ErrStale, removeActed, e.ch.TenantID, e.ch.UserID, e.ch.RemoveActed)
		if err != nil {
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
	// endRestOfUserSessions ends those with ids behind $3 and up to $4.
	endRestOfUserSessions = `
		UPDATE sessions SET ended_at = $5
		WHERE tenant_id = $1 AND user_id = $2 AND id > $3 AND id <= $4 AND id <> $6 AND ended_at = 0`

	// andTell lets a statement that ends sessions return what endedSession reads. The engines have no
	// function in common that makes a list of rows. The plus keeps SQLite from reading all grants of the
	// tenant by an index that has the clients in order.
	andTellSQLite   = andTell + `json_group_array(DISTINCT +client_id)` + ofSession
	andTellPostgres = andTell + `COALESCE(json_agg(DISTINCT client_id), '[]')::text` + ofSession
	andTell         = ` RETURNING id, user_id, expires_at, credential_version,
		(SELECT users.credential_version FROM users
			WHERE users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id),
		(SELECT COUNT(*) FROM (SELECT id FROM clients
			WHERE clients.tenant_id = sessions.tenant_id AND clients.hears_logouts LIMIT 1) AS found),
		(SELECT `
	ofSession = ` FROM grants
		WHERE grants.tenant_id = sessions.tenant_id AND grants.session_id = sessions.id AND grants.session_id <> '')`
)

const (
	endSessionSQLite          = endSession + andTellSQLite
	endSessionPostgres        = endSession + andTellPostgres
	endSessionsSQLite         = endSessions + andTellSQLite
	endSessionsPostgres       = endSessions + andTellPostgres
	endRestOfSessionsSQLite   = endRestOfUserSessions + andTellSQLite
	endRestOfSessionsPostgres = endRestOfUserSessions + andTellPostgres
)

const (
	// They change nothing, but lock the row: changes that end each other's sessions queue for the user's row.
	holdUser    = `UPDATE users SET credential_version = credential_version WHERE tenant_id = $1 AND id = $2`
	holdSession = `
		UPDATE sessions SET ended_at = ended_at
		WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND ended_at = 0`
)

// endSessions ends the sessions that the filter names, or as many as go in one transaction.
func (e *ending) endSessions(which storage.SessionFilter) error {
	one, all := e.s.text(endSessionSQLite, endSessionPostgres), e.s.text(endSessionsSQLite, endSessionsPostgres)
	if len(which.IDs) > 0 {
		for _, id := range which.IDs {
			if _, err := e.endThose(one, e.ch.TenantID, id, column.Micros(e.ch.Now), e.ch.UserID); err != nil {
				return err
			}
		}
		return nil
	}
	if which.Except != "" {
		if err := engine.Must(e.c, storage.ErrStale, holdUser, e.ch.TenantID, e.ch.UserID); err != nil {
			return err
		}
		if err := engine.Must(e.c, storage.ErrStale, holdSession, e.ch.TenantID, e.ch.UserID, which.Except); err != nil {
			return err
		}
	}
	n, err := e.endThose(all, e.ch.TenantID, e.ch.UserID, column.Micros(e.ch.Now), which.Except, e.s.atOnce)
	if err != nil || n < e.s.atOnce {
		return err
	}
	return e.leaveSessions(which.Except)
}

// endThose runs one of the statements that end sessions, and returns how many it ended. Those that were dead
// already, because they had expired or were of another version, are not told of.
func (e *ending) endThose(query string, args ...any) (n int, err error) {
	var all []storage.EndedSession // in tenants of which a client hears of it
	err = e.c.Each(query, args, func(row scanner) error {
		var s storage.EndedSession
		var expires time.Time
		var version, current, hearing int64
		err := row.Scan(&s.ID, &s.UserID, column.Time(&expires), &version, &current, &hearing, column.List(&s.Clients))
		if e.raised {
			current--
		}
		e.seen = cmp.Or(e.alive, current)
		if version == e.seen && expires.After(e.ch.Now) {
			e.Sessions = append(e.Sessions, s)
		}
		if hearing > 0 {
			all = append(all, s)
		}
		n++
		return err
	})
	for i := 0; err == nil && i < len(all); i++ {
		// Also one that was dead already: its clients were not told then.
		err = outbox.TellLogout(e.c, e.ch.TenantID, all[i].ID, all[i].UserID, e.ch.Now)
	}
	return n, err
}

// sessionsBut are a user's sessions but one. Version is the one that they are alive with; 0 in removals that
// an older program began.
type sessionsBut struct {
	UserID, Except string
	Version        int64 `json:",omitempty"`
}

// lastSessionOfUser bounds what a removal ends: sessions that begin later are not meant.
const lastSessionOfUser = `SELECT id FROM sessions WHERE tenant_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1`

// leaveSessions begins a removal of the user's sessions that this transaction has not ended.
func (e *ending) leaveSessions(except string) error {
	bound, err := engine.ScanText(e.c.Row(lastSessionOfUser, e.ch.TenantID, e.ch.UserID))
	if err != nil {
		return err
	}
	r := removal{bound: bound, Removal: storage.Removal{
		TenantID: e.ch.TenantID, Kind: storage.RemovalSessions,
		ID: column.Encode(sessionsBut{e.ch.UserID, except, e.seen}), Since: e.ch.Now,
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
		if _, err := e.c.Exec(removeConsents, e.ch.TenantID, e.ch.UserID); err != nil {
			return err
		}
		_, err := e.revoke(storage.GrantFilter{UserID: e.ch.UserID}, "consent withdrawn")
		return err
	}
	removed, err := e.c.Exec(removeConsent, e.ch.TenantID, e.ch.UserID, e.ch.Withdraw)
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

// endRestOfSessions ends the sessions of a user that a change has left.
func (s *Store) endRestOfSessions(ctx context.Context, r removal, told func(rows int64)) error {
	var which sessionsBut
	if err := json.Unmarshal([]byte(r.ID), &which); err != nil {
		return err
	}
	w := parts.Walk{
		Edge: edgeOfUserSessions, Do: endRestOfUserSessions, Args: []any{r.TenantID, which.UserID},
		More: []any{column.Micros(r.Since), which.Except}, End: r.bound,
	}
	tells, err := s.hearsLogouts(ctx, r.TenantID)
	if err != nil {
		return err
	}
	if r.onEnd != nil || tells {
		w.Run = s.tellSessions(r, ending{alive: which.Version},
			s.text(endRestOfSessionsSQLite, endRestOfSessionsPostgres))
	}
	return s.worker.Walk(ctx, w, told)
}

// hearsLogouts reports whether a client of the tenant hears of the ends of sessions.
func (s *Store) hearsLogouts(ctx context.Context, tenant string) (bool, error) {
	n, err := one(ctx, s, outbox.HearsLogouts, []any{tenant}, engine.ScanCount)
	return n > 0, err
}

// tellSessions returns the run of a walk that ends sessions by a query, and reports those that were alive.
func (s *Store) tellSessions(r removal, of ending, query string) func(conn, []any) (int64, error) {
	return func(c conn, args []any) (int64, error) {
		e := of
		e.s, e.c, e.ch = s, c, &storage.Change{TenantID: r.TenantID, Now: r.Since}
		n, err := e.endThose(query, args...)
		if err != nil {
			return 0, err
		}
		return int64(n), r.tell(c, e.Ended)
	}
}

// newSession returns the id of the session that the change adds or renews, "" for none.
func newSession(ch *storage.Change) string {
	switch {
	case ch.AddSession != nil:
		return ch.AddSession.ID
	case ch.RenewSession != nil:
		return ch.RenewSession.ID
	}
	return ""
}
