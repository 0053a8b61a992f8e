package outbox

import (
	"context"
	"math"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const logoutColumns = `tenant_id, client_id, session_id, user_id, ended_at, created_at, next_at, attempts, done_at, ` +
	`dead, status, took, answer`

// scanLogout reads a row of logoutColumns.
func scanLogout(row engine.Scanner) (l storage.Logout, err error) {
	var took int64
	err = row.Scan(&l.TenantID, &l.ClientID, &l.SessionID, &l.UserID, column.Time(&l.EndedAt), column.Time(&l.CreatedAt),
		column.Time(&l.NextAt), &l.Attempts, column.Time(&l.DoneAt), &l.Dead, &l.Status, &took, &l.Answer)
	l.Took = time.Duration(took) * time.Microsecond
	if l.Attempts == 0 { // it waits for its turn
		l.NextAt = time.Time{}
	}
	return l, err
}

// HearsLogouts finds a client of the tenant that is told of the ends of sessions.
const HearsLogouts = `
	SELECT COUNT(*) FROM (
		SELECT id FROM clients WHERE tenant_id = $1 AND hears_logouts ORDER BY id LIMIT 1) AS found`

// A client that was declared again under the same id took no part in sessions of its predecessor.
const (
	tellTakers = `
		INSERT INTO logouts (` + logoutColumns + `)
		SELECT grants.tenant_id, grants.client_id, grants.session_id, $3, CAST($4 AS BIGINT), CAST($4 AS BIGINT),
			CAST($4 AS BIGINT), 0, 0, FALSE, 0, 0, ''
		FROM grants JOIN clients ON clients.tenant_id = grants.tenant_id AND clients.id = grants.client_id
		WHERE grants.tenant_id = $1 AND grants.session_id = $2 AND grants.session_id <> ''
			AND clients.hears_logouts AND clients.epoch = grants.client_epoch
		ON CONFLICT DO NOTHING`
	tellFormerTakers = `
		INSERT INTO logouts (` + logoutColumns + `)
		SELECT session_clients.tenant_id, session_clients.client_id, session_clients.session_id, $3,
			CAST($4 AS BIGINT), CAST($4 AS BIGINT), CAST($4 AS BIGINT), 0, 0, FALSE, 0, 0, ''
		FROM session_clients
		JOIN clients ON clients.tenant_id = session_clients.tenant_id AND clients.id = session_clients.client_id
		WHERE session_clients.tenant_id = $1 AND session_clients.session_id = $2 AND clients.hears_logouts
		ON CONFLICT DO NOTHING`
)

// TellLogout has the clients told that took part in a session, in the transaction that ends it.
func TellLogout(c engine.Conn, tenant, session, user string, at time.Time) error {
	for _, query := range []string{tellTakers, tellFormerTakers} {
		if _, err := c.Exec(query, tenant, session, user, column.Micros(at)); err != nil {
			return err
		}
	}
	return nil
}

// The queries that Sweep runs before it deletes sessions or grants for their age. The conditions are those of the
// statements that delete.
const (
	// TellExpired has the clients told of sessions that expired and never ended.
	TellExpired = tellExpired + `
		JOIN grants ON grants.tenant_id = found.tenant_id AND grants.session_id = found.id AND grants.session_id <> ''
		JOIN clients ON clients.tenant_id = grants.tenant_id AND clients.id = grants.client_id
			AND clients.epoch = grants.client_epoch` + ofExpired
	// TellExpiredFormer does so with clients whose grants are gone.
	TellExpiredFormer = tellExpired + `
		JOIN session_clients ON session_clients.tenant_id = found.tenant_id
			AND session_clients.session_id = found.id
		JOIN clients ON clients.tenant_id = session_clients.tenant_id AND clients.id = session_clients.client_id` + ofExpired

	tellExpired = `
		INSERT INTO logouts (` + logoutColumns + `)
		SELECT clients.tenant_id, clients.id, found.id, found.user_id, found.expires_at, CAST($1 AS BIGINT),
			CAST($1 AS BIGINT), 0, 0, FALSE, 0, 0, ''
		FROM (SELECT tenant_id, id, user_id, expires_at, ended_at FROM sessions
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3) AS found`
	ofExpired = `
		WHERE found.ended_at = 0 AND clients.hears_logouts
		ON CONFLICT DO NOTHING`

	// KeepTakers remembers the clients of grants that expired before their session.
	KeepTakers = keepTakers + `
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3) AS found` + ofSwept
	// KeepRevokedTakers remembers the clients of grants that were revoked before their session ended.
	KeepRevokedTakers = keepTakers + `
			WHERE revoked_at <= $1 AND revoked_at >= $2 AND revoked_at <> 0 ORDER BY revoked_at LIMIT $3) AS found` + ofSwept

	keepTakers = `
		INSERT INTO session_clients (tenant_id, session_id, client_id)
		SELECT found.tenant_id, found.session_id, found.client_id
		FROM (SELECT tenant_id, session_id, client_id, client_epoch FROM grants`
	ofSwept = `
		JOIN clients ON clients.tenant_id = found.tenant_id AND clients.id = found.client_id
			AND clients.epoch = found.client_epoch
		JOIN sessions ON sessions.tenant_id = found.tenant_id AND sessions.id = found.session_id
		WHERE found.session_id <> '' AND clients.hears_logouts AND sessions.ended_at = 0
		ON CONFLICT DO NOTHING`

	// SweepLogouts deletes entries that are kept no longer.
	SweepLogouts = `
		DELETE FROM logouts WHERE (tenant_id, client_id, session_id) IN (
			SELECT tenant_id, client_id, session_id FROM logouts
			WHERE created_at <= $1 AND created_at >= $2 ORDER BY created_at LIMIT $3)
		RETURNING created_at`
)

// The queries of removals. Foreign keys would take along all entries of a client at once.
const (
	EdgeOfLogouts = `
		SELECT ended_at FROM logouts
		WHERE tenant_id = $1 AND client_id = $2 AND ended_at > $3
		ORDER BY ended_at LIMIT 1 OFFSET $4`
	RemoveLogouts = `
		DELETE FROM logouts
		WHERE tenant_id = $1 AND client_id = $2 AND ended_at > $3 AND ended_at <= $4`
)

const (
	// Of a client only the earliest that waits is ever due.
	waitingClients = `
		SELECT tenant_id, id FROM clients
		WHERE hears_logouts AND $1 >= (
			SELECT next_at FROM logouts
			WHERE logouts.tenant_id = clients.tenant_id AND logouts.client_id = clients.id AND done_at = 0
			ORDER BY ended_at, session_id LIMIT 1)
		AND NOT EXISTS (
			SELECT 1 FROM removals WHERE removals.tenant_id = clients.tenant_id AND removals.kind = 'tenant')`
	anyHearing  = `SELECT COUNT(*) FROM (SELECT id FROM clients WHERE hears_logouts LIMIT 1) AS found`
	claimLogout = `
		UPDATE logouts SET next_at = $4, attempts = attempts + 1
		WHERE tenant_id = $1 AND client_id = $2 AND done_at = 0 AND next_at <= $3 AND session_id = (
			SELECT earliest.session_id FROM logouts AS earliest
			WHERE earliest.tenant_id = $1 AND earliest.client_id = $2 AND earliest.done_at = 0
			ORDER BY earliest.ended_at, earliest.session_id LIMIT 1)
		RETURNING ` + logoutColumns
	noteLogout = `
		UPDATE logouts SET next_at = $5, done_at = $6, dead = $7, status = $8, took = $9, answer = $10
		WHERE tenant_id = $1 AND client_id = $2 AND session_id = $3 AND attempts = $4 AND done_at = 0`
	listLogouts = `
		SELECT ` + logoutColumns + ` FROM logouts
		WHERE tenant_id = $1 AND client_id = $2 AND (ended_at, session_id) < ($3, $4)
		ORDER BY ended_at DESC, session_id DESC LIMIT $5`
	// What is done again meanwhile is not begun once more.
	replayLogouts = `
		UPDATE logouts SET next_at = $6, created_at = $6, attempts = 0, done_at = 0, dead = FALSE
		WHERE tenant_id = $1 AND client_id = $2 AND session_id IN (
			SELECT session_id FROM logouts
			WHERE tenant_id = $1 AND client_id = $2 AND ended_at >= $4 AND ended_at <= $5
				AND ($3 = '' OR session_id = $3) AND done_at <> 0 AND done_at <= $6
			ORDER BY ended_at LIMIT $7)`
)

// WaitingClients implements storage.Logouts.
func (o *Outbox) WaitingClients(ctx context.Context, now time.Time) (due []storage.ClientOf, heard bool, err error) {
	n, err := engine.One(ctx, o.Engine, anyHearing, nil, engine.ScanCount)
	if err != nil || n == 0 {
		return nil, false, engine.Wrapped(err, "clients that hear of logouts")
	}
	due, err = engine.All(ctx, o.Engine, waitingClients, []any{column.Micros(now)},
		func(row engine.Scanner) (c storage.ClientOf, err error) {
			err = row.Scan(&c.TenantID, &c.ClientID)
			return c, err
		})
	return due, true, engine.Wrapped(err, "clients to tell of logouts")
}

// ClaimLogout implements storage.Logouts.
func (o *Outbox) ClaimLogout(
	ctx context.Context, of storage.ClientOf, now, leaseUntil time.Time,
) (l storage.Logout, err error) {
	err = o.Engine.Write(ctx, func(c engine.Conn) error {
		l, err = scanLogout(c.Row(claimLogout, of.TenantID, of.ClientID, column.Micros(now), column.Micros(leaseUntil)))
		return err
	})
	return l, engine.Named(err, "claim logout of", of.ClientID)
}

// NoteLogout implements storage.Logouts.
func (o *Outbox) NoteLogout(ctx context.Context, l storage.Logout) error {
	_, err := engine.Put(ctx, o.Engine, noteLogout, l.TenantID, l.ClientID, l.SessionID, l.Attempts,
		column.Micros(l.NextAt), column.Micros(l.DoneAt), l.Dead, l.Status, l.Took.Microseconds(), l.Answer)
	return engine.Named(err, "note logout of", l.ClientID)
}

// Logouts implements storage.Logouts.
func (o *Outbox) Logouts(
	ctx context.Context, of storage.ClientOf, behind storage.LogoutPlace, limit int,
) ([]storage.Logout, error) {
	from := int64(math.MaxInt64)
	if !behind.EndedAt.IsZero() {
		from = column.Micros(behind.EndedAt)
	}
	all, err := engine.All(ctx, o.Engine, listLogouts, []any{of.TenantID, of.ClientID, from, behind.SessionID, limit},
		scanLogout)
	return all, engine.Named(err, "logouts of", of.ClientID)
}

// ReplayLogouts implements storage.Logouts.
func (o *Outbox) ReplayLogouts(ctx context.Context, of storage.ClientOf, sessionID string, since, until, now time.Time,
	events ...storage.Event,
) (total int64, err error) {
	from, to := column.Micros(since), column.Micros(until)
	if sessionID != "" {
		from, to = 0, math.MaxInt64
	}
	for n := int64(replayPart); n == replayPart; events = nil {
		err = trail.Change(ctx, o.Engine, func(c engine.Conn) error {
			n, err = c.Exec(replayLogouts, of.TenantID, of.ClientID, sessionID, from, to, column.Micros(now), replayPart)
			if err != nil || n == 0 {
				return err
			}
			return trail.RecordAll(c, events)
		})
		if err != nil {
			break
		}
		if total += n; n == replayPart {
			time.Sleep(replayRest)
		}
	}
	return total, engine.Named(err, "replay logouts of", of.ClientID)
}
