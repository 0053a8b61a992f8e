package sqldb

import (
	"context"
	"strconv"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	addSession = `
		INSERT INTO sessions (tenant_id, id, secret_hash, user_id, credential_version, auth_time, amr, acr,
			user_agent, ip, created_at, seen_at, expires_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	renewSession = `
		UPDATE sessions SET secret_hash = $6, credential_version = $7, auth_time = $8, amr = $9, acr = $10,
			user_agent = $11, ip = $12, seen_at = $3, expires_at = $13
		WHERE tenant_id = $1 AND id = $2 AND user_id = $4 AND secret_hash = $5 AND EXISTS (
			SELECT 1 FROM users
			WHERE users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id AND ` + sessionLives + `)`
)

// addSessionArgs returns the arguments of addSession. The session is one of the change's user, whatever it says.
func addSessionArgs(ch *storage.Change) []any {
	n := ch.AddSession
	return []any{
		ch.TenantID, n.ID, n.SecretHash, ch.UserID, n.CredentialVersion, micros(n.AuthTime), encodeList(n.AMR), n.ACR,
		n.UserAgent, n.IP, micros(n.CreatedAt), micros(n.SeenAt), micros(n.ExpiresAt), micros(n.EndedAt),
	}
}

// renewSessionArgs takes SeenAt for the present moment.
func renewSessionArgs(ch *storage.Change) []any {
	n := ch.RenewSession
	return []any{
		ch.TenantID, n.ID, micros(n.SeenAt), ch.UserID, n.Was, n.SecretHash, n.CredentialVersion,
		micros(n.AuthTime), encodeList(n.AMR), n.ACR, n.UserAgent, n.IP, micros(n.ExpiresAt),
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

// applySessions adds and renews sessions.
func applySessions(c conn, ch *storage.Change) error {
	if ch.AddSession != nil {
		if _, err := c.exec(addSession, addSessionArgs(ch)...); err != nil {
			return err
		}
	}
	if ch.RenewSession != nil {
		return must(c, storage.ErrStale, renewSession, renewSessionArgs(ch)...)
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
	for i := 2; i <= eventArgsCount; i++ {
		event += ", $" + strconv.Itoa(args+i)
	}
	return `WITH changed AS (` + query + ` RETURNING 1)
		INSERT INTO audit (` + eventColumns + `) SELECT ` + event + ` FROM changed`
}

// isSignIn reports whether the change adds or renews one session, records at most one event, and does
// nothing else.
func isSignIn(ch *storage.Change) bool {
	return (ch.AddSession != nil) != (ch.RenewSession != nil) && len(ch.Events) <= 1 &&
		ch.Code == "" && len(ch.Spend) == 0 && ch.Add == nil && ch.Version == nil && !ch.Secured && !ch.Raise &&
		!ch.ForgetCodes && ch.Update == nil && len(ch.RemoveCredentials) == 0 && ch.RemoveAdded == nil &&
		len(ch.Credentials) == 0 && len(ch.Swap) == 0 && len(ch.Unlink) == 0 && len(ch.Link) == 0 && len(ch.Codes) == 0 &&
		ch.Consent == nil && ch.EndSessions == nil && ch.Withdraw == "" && len(ch.Revoke) == 0 && !ch.Remove &&
		len(ch.Deliveries) == 0 && ch.OnEnd == nil
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
	return s.must(ctx, storage.ErrStale, recorded, append(args(ch), eventArgs(ch.Events[0])...)...)
}
