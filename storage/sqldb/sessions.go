package sqldb

import (
	"context"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const sessionColumns = `sessions.tenant_id, sessions.id, sessions.secret_hash, sessions.user_id,
	sessions.credential_version, sessions.auth_time, sessions.amr, sessions.acr, sessions.user_agent,
	sessions.ip, sessions.created_at, sessions.seen_at, sessions.expires_at, sessions.ended_at`

// sessionFields returns where a row of sessionColumns goes.
func sessionFields(s *storage.Session) []any {
	return []any{
		&s.TenantID, &s.ID, column.Bytes(&s.SecretHash), &s.UserID,
		&s.CredentialVersion, column.Time(&s.AuthTime), column.List(&s.AMR), &s.ACR, &s.UserAgent,
		&s.IP, column.Time(&s.CreatedAt), column.Time(&s.SeenAt), column.Time(&s.ExpiresAt), column.Time(&s.EndedAt),
	}
}

// sessionLives is when a session counts; users is joined, $3 is now.
const sessionLives = `sessions.ended_at = 0 AND sessions.expires_at > $3
	AND sessions.created_at` + notAhead + ` AND sessions.auth_time` + notAhead + `
	AND users.credential_version = sessions.credential_version AND NOT users.disabled`

const session = `
	SELECT ` + sessionColumns + `, ` + userColumns + `
	FROM sessions
	JOIN users ON users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id
	WHERE sessions.tenant_id = $1 AND sessions.id = $2 AND sessions.actor_id = '' AND ` + sessionLives

// Session implements storage.Sessions.
func (s *Store) Session(ctx context.Context, tenant, id string, now time.Time) (storage.Session, storage.User, error) {
	type pair struct {
		session storage.Session
		user    storage.User
	}
	p, err := one(ctx, s, session, []any{tenant, id, column.Micros(now)}, func(row scanner) (p pair, err error) {
		err = row.Scan(append(sessionFields(&p.session), userFields(&p.user)...)...)
		return p, err
	})
	return p.session, p.user, engine.Named(err, "session", id)
}

// Answers of one browser may be late: the later time stays, unless a clock was ahead.
const seenSession = `
	UPDATE sessions SET seen_at = CASE WHEN seen_at` + notAhead + ` AND seen_at >= $3 THEN seen_at ELSE $3 END
	WHERE tenant_id = $1 AND id = $2 AND ended_at = 0`

// SeenSession implements storage.Sessions.
func (s *Store) SeenSession(ctx context.Context, tenant, id string, now time.Time) error {
	return engine.Named(s.must(ctx, storage.ErrNotFound, seenSession, tenant, id, column.Micros(now)), "seen session", id)
}

const sessionsOf = `
	SELECT ` + sessionColumns + actColumns + `
	FROM sessions
	JOIN users ON users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id
	WHERE sessions.tenant_id = $1 AND sessions.user_id = $2 AND ` + sessionLives + actorLives + `$3))
	ORDER BY sessions.id DESC LIMIT $4`

// SessionsOf implements storage.Sessions.
func (s *Store) SessionsOf(ctx context.Context, tenant, userID string, now time.Time) ([]storage.Session, error) {
	all, err := list(ctx, s, sessionsOf, []any{tenant, userID, column.Micros(now), storage.MostOfUser},
		func(row scanner) (storage.Session, error) { return scanActed(row) })
	return all, engine.Named(err, "sessions of user", userID)
}

const (
	addSession = `
		INSERT INTO sessions (tenant_id, id, secret_hash, user_id, credential_version, auth_time, amr, acr,
			user_agent, ip, created_at, seen_at, expires_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	renewSession = `
		UPDATE sessions SET secret_hash = $6, credential_version = $7, auth_time = $8, amr = $9, acr = $10,
			user_agent = $11, ip = $12, seen_at = $3, expires_at = $13
		WHERE tenant_id = $1 AND id = $2 AND user_id = $4 AND secret_hash = $5 AND actor_id = '' AND EXISTS (
			SELECT 1 FROM users
			WHERE users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id AND ` + sessionLives + `)`
)

// addSessionArgs returns the arguments of addSession. The session is one of the change's user, whatever it says.
func addSessionArgs(ch *storage.Change) []any {
	n := ch.AddSession
	return []any{
		ch.TenantID, n.ID, n.SecretHash, ch.UserID, n.CredentialVersion, column.Micros(n.AuthTime),
		column.EncodeList(n.AMR), n.ACR,
		n.UserAgent, n.IP, column.Micros(n.CreatedAt), column.Micros(n.SeenAt), column.Micros(n.ExpiresAt),
		column.Micros(n.EndedAt),
	}
}

// renewSessionArgs takes SeenAt for the present moment.
func renewSessionArgs(ch *storage.Change) []any {
	n := ch.RenewSession
	return []any{
		ch.TenantID, n.ID, column.Micros(n.SeenAt), ch.UserID, n.Was, n.SecretHash, n.CredentialVersion,
		column.Micros(n.AuthTime), column.EncodeList(n.AMR), n.ACR, n.UserAgent, n.IP, column.Micros(n.ExpiresAt),
	}
}

// applySessions adds and renews sessions.
func applySessions(c conn, ch *storage.Change) error {
	if ch.AddSession != nil {
		query, args := addSession, addSessionArgs
		if ch.AddSession.Act != nil {
			query, args = addActedSession, addActedArgs
		}
		if _, err := c.Exec(query, args(ch)...); err != nil {
			return err
		}
	}
	if ch.RenewSession != nil {
		return engine.Must(c, storage.ErrStale, renewSession, renewSessionArgs(ch)...)
	}
	return nil
}

// Texts for PostgreSQL alone, where a transaction of two statements takes four round trips: each
// changes a session, and records an event if it has.
var (
	addSessionAndRecord   = andRecord(addSession, 14)
	renewSessionAndRecord = andRecord(renewSession, 13)
)

// andRecord returns a statement with so many arguments, followed by those of an event that it records for
// each row it has changed.
func andRecord(query string, args int) string {
	event := "$" + strconv.Itoa(args+1)
	for i := 2; i <= trail.ColumnCount; i++ {
		event += ", $" + strconv.Itoa(args+i)
	}
	return `WITH changed AS (` + query + ` RETURNING 1)
		INSERT INTO audit (` + trail.Columns + `) SELECT ` + event + ` FROM changed`
}

// isSignIn reports whether the change adds or renews one session, records at most one event, and does
// nothing else.
func isSignIn(ch *storage.Change) bool {
	return (ch.AddSession != nil) != (ch.RenewSession != nil) && len(ch.Events) <= 1 &&
		ch.Code == "" && ch.Invitation == "" &&
		len(ch.Spend) == 0 && ch.Add == nil && len(ch.AddAll) == 0 && len(ch.Numbers) == 0 && len(ch.LastUses) == 0 &&
		ch.Version == nil && !ch.Secured &&
		!ch.Raise && !ch.ForgetCodes && !ch.ForgetDevices &&
		ch.Update == nil && ch.UpdateOf.IsZero() && ch.SetAdmin == nil && ch.RoleWas == nil &&
		ch.Unique == nil && len(ch.Leave) == 0 && len(ch.Join) == 0 && len(ch.TakeRoles) == 0 && len(ch.GiveRoles) == 0 &&
		len(ch.RemoveCredentials) == 0 && ch.RemoveAdded == nil &&
		len(ch.Credentials) == 0 && len(ch.Swap) == 0 && len(ch.Unlink) == 0 && len(ch.Link) == 0 && len(ch.Codes) == 0 &&
		ch.Consent == nil && ch.EndSessions == nil && ch.Withdraw == "" && len(ch.Revoke) == 0 && !ch.Remove &&
		len(ch.Deliveries) == 0 && ch.OnEnd == nil && ch.RemoveActed == "" &&
		ch.RemoveAPIKey == nil && ch.ReplaceAPIKey == nil && ch.AddAPIKey == nil && ch.AppLogin == nil &&
		(ch.AddSession == nil || ch.AddSession.Act == nil)
}

// signIn applies a change that isSignIn in one statement.
func (s *Store) signIn(ctx context.Context, ch *storage.Change) error {
	alone, recorded, args := addSession, addSessionAndRecord, addSessionArgs
	if ch.RenewSession != nil {
		alone, recorded, args = renewSession, renewSessionAndRecord, renewSessionArgs
	}
	if len(ch.Events) == 0 {
		return s.must(ctx, storage.ErrStale, alone, args(ch)...)
	}
	return s.must(ctx, storage.ErrStale, recorded, append(args(ch), trail.Args(ch.Events[0])...)...)
}
