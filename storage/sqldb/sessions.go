package sqldb

import (
	"context"
	"encoding/json"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const sessionColumns = `sessions.tenant_id, sessions.id, sessions.secret_hash, sessions.user_id,
	sessions.credential_version, sessions.auth_time, sessions.amr, sessions.acr, sessions.user_agent,
	sessions.ip, sessions.created_at, sessions.seen_at, sessions.expires_at, sessions.ended_at`

// sessionFields returns where a row of sessionColumns goes.
func sessionFields(s *storage.Session) []any {
	return []any{
		&s.TenantID, &s.ID, bytesColumn{&s.SecretHash}, &s.UserID,
		&s.CredentialVersion, timeColumn{&s.AuthTime}, listColumn{&s.AMR}, &s.ACR, &s.UserAgent,
		&s.IP, timeColumn{&s.CreatedAt}, timeColumn{&s.SeenAt}, timeColumn{&s.ExpiresAt}, timeColumn{&s.EndedAt},
	}
}

// notAhead is when a time counts: see storage.ClockSkew, in microseconds here.
const notAhead = ` - 120000000 <= $3`

// sessionLives is when a session counts; users is joined, $3 is now.
const sessionLives = `sessions.ended_at = 0 AND sessions.expires_at > $3
	AND sessions.created_at` + notAhead + ` AND sessions.auth_time` + notAhead + `
	AND users.credential_version = sessions.credential_version AND NOT users.disabled`

const session = `
	SELECT ` + sessionColumns + `, ` + userColumns + `
	FROM sessions
	JOIN users ON users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id
	WHERE sessions.tenant_id = $1 AND sessions.id = $2 AND ` + sessionLives

// Session implements storage.Sessions.
func (s *Store) Session(ctx context.Context, tenant, id string, now time.Time) (storage.Session, storage.User, error) {
	type pair struct {
		session storage.Session
		user    storage.User
	}
	p, err := one(ctx, s, session, []any{tenant, id, micros(now)}, func(row scanner) (p pair, err error) {
		err = row.Scan(append(sessionFields(&p.session), userFields(&p.user)...)...)
		return p, err
	})
	return p.session, p.user, named(err, "session", id)
}

// Answers of one browser may be late: the later time stays, unless a clock was ahead.
const seenSession = `
	UPDATE sessions SET seen_at = CASE WHEN seen_at` + notAhead + ` AND seen_at >= $3 THEN seen_at ELSE $3 END
	WHERE tenant_id = $1 AND id = $2 AND ended_at = 0`

// SeenSession implements storage.Sessions.
func (s *Store) SeenSession(ctx context.Context, tenant, id string, now time.Time) error {
	return named(s.must(ctx, storage.ErrNotFound, seenSession, tenant, id, micros(now)), "seen session", id)
}

const endRestOfUserSessions = `
	UPDATE sessions SET ended_at = $5
	WHERE tenant_id = $1 AND user_id = $2 AND id > $3 AND id <= $4 AND id <> $6 AND ended_at = 0`

// endRestOfSessions ends the sessions of a user that a change has left.
func (s *Store) endRestOfSessions(ctx context.Context, r removal, told func(rows int64)) error {
	var which sessionsBut
	if err := json.Unmarshal([]byte(r.ID), &which); err != nil {
		return err
	}
	w := walk{
		edge: edgeOfUserSessions, do: endRestOfUserSessions, args: []any{r.TenantID, which.UserID},
		more: []any{micros(r.Since), which.Except}, end: r.bound,
	}
	if r.onEnd != nil {
		w.run = s.tellSessions(r, ending{alive: which.Version}, s.text(endRestOfSessionsSQLite, endRestOfSessionsPostgres))
	}
	return s.walk(ctx, w, told)
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

// tell reports a part to OnEnd, and stores what that returns.
func (r removal) tell(c conn, part storage.Ended) error {
	if r.onEnd == nil || len(part.Sessions)+len(part.Grants) == 0 {
		return nil
	}
	part.Later = true
	deliveries, events := r.onEnd(part)
	return applyNews(c, deliveries, events)
}

const sessionsOf = `
	SELECT ` + sessionColumns + `
	FROM sessions
	JOIN users ON users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id
	WHERE sessions.tenant_id = $1 AND sessions.user_id = $2 AND ` + sessionLives + `
	ORDER BY sessions.id DESC`

// SessionsOf implements storage.Sessions.
func (s *Store) SessionsOf(ctx context.Context, tenant, userID string, now time.Time) ([]storage.Session, error) {
	all, err := list(ctx, s, sessionsOf, []any{tenant, userID, micros(now)},
		func(row scanner) (n storage.Session, err error) {
			err = row.Scan(sessionFields(&n)...)
			return n, err
		})
	return all, named(err, "sessions of user", userID)
}
