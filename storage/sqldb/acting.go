package sqldb

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const (
	// actorLives is when a session's administrator, if it has one, may still use it as its user: the present moment
	// follows, and two brackets.
	actorLives = ` AND (sessions.actor_id = '' OR EXISTS (` + livingActor
	// livingActor begins with SELECT; the present moment follows.
	livingActor = `
		SELECT 1 FROM users AS subjects
		JOIN users AS actors ON actors.tenant_id = subjects.tenant_id
		JOIN sessions AS own ON own.tenant_id = actors.tenant_id AND own.user_id = actors.id
		WHERE subjects.tenant_id = sessions.tenant_id AND subjects.id = sessions.user_id AND subjects.admin_role = ''
			AND actors.id = sessions.actor_id AND actors.admin_role = sessions.actor_role AND NOT actors.disabled
			AND own.id = sessions.actor_session AND own.actor_id = '' AND own.ended_at = 0
			AND own.credential_version = actors.credential_version AND own.expires_at > `

	actColumns = `, sessions.actor_id, sessions.actor_session, sessions.actor_role, sessions.act_reason`
)

// actFields returns where actColumns go.
func actFields(a *storage.Act) []any { return []any{&a.ActorID, &a.SessionID, &a.Role, &a.Reason} }

// scanActed reads a row of sessionColumns and actColumns. Act stays nil without an administrator.
func scanActed(row scanner, more ...any) (n storage.Session, err error) {
	var act storage.Act
	err = row.Scan(append(append(sessionFields(&n), actFields(&act)...), more...)...)
	if act.ActorID != "" {
		n.Act = &act
	}
	return n, err
}

const actedSession = `
	SELECT ` + sessionColumns + actColumns + `, ` + userColumns + `
	FROM sessions
	JOIN users ON users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id
	WHERE sessions.tenant_id = $1 AND sessions.id = $2 AND sessions.actor_id <> '' AND ` + sessionLives + `
		AND EXISTS (` + livingActor + `$3)`

// ActedSession implements storage.ActedSessions.
func (s *Store) ActedSession(ctx context.Context, tenant, id string, now time.Time) (
	n storage.Session, u storage.User, err error,
) {
	n, err = one(ctx, s, actedSession, []any{tenant, id, column.Micros(now)}, func(row scanner) (storage.Session, error) {
		return scanActed(row, userFields(&u)...)
	})
	return n, u, engine.Named(err, "session of an administrator", id)
}

const lapsedSessions = `
	SELECT ` + sessionColumns + actColumns + `
	FROM sessions
	JOIN users ON users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id
	WHERE sessions.actor_id <> '' AND sessions.id > $1 AND NOT (` + sessionLives + `
		AND EXISTS (` + livingActor + `$3))
	ORDER BY sessions.id LIMIT $2`

// LapsedSessions implements storage.ActedSessions.
func (s *Store) LapsedSessions(
	ctx context.Context, after string, limit int, now time.Time,
) ([]storage.Session, error) {
	args := []any{after, limit, column.Micros(now)}
	all, err := list(ctx, s, lapsedSessions, args, func(row scanner) (storage.Session, error) { return scanActed(row) })
	return all, engine.Named(err, "lapsed sessions after", after)
}

const removeActed = `DELETE FROM sessions WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND actor_id <> ''`

const addActedSession = `
	INSERT INTO sessions (tenant_id, id, secret_hash, user_id, credential_version, auth_time, amr, acr,
		user_agent, ip, created_at, seen_at, expires_at, ended_at, actor_id, actor_session, actor_role, act_reason)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

// addActedArgs returns the arguments of addActedSession.
func addActedArgs(ch *storage.Change) []any {
	a := ch.AddSession.Act
	return append(addSessionArgs(ch), a.ActorID, a.SessionID, a.Role, a.Reason)
}
