package sqldb

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const grantColumns = `grants.tenant_id, grants.id, grants.code_id, grants.user_id, grants.client_id,
	grants.session_id, grants.offline, grants.credential_version, grants.scopes, grants.audience,
	grants.claims, grants.auth_time, grants.amr, grants.acr, grants.generation, grants.rotated_at,
	grants.idle_expires_at, grants.expires_at, grants.created_at, grants.revoked_at, grants.revoked_why`

// grantFields returns where a row of grantColumns goes.
func grantFields(g *storage.Grant) []any {
	return []any{
		&g.TenantID, &g.ID, &g.CodeID, &g.UserID, &g.ClientID,
		&g.SessionID, &g.Offline, &g.CredentialVersion, column.List(&g.Scopes), column.List(&g.Audience),
		column.Bytes(&g.Claims), column.Time(&g.AuthTime), column.List(&g.AMR), &g.ACR, &g.Generation,
		column.Time(&g.RotatedAt), column.Time(&g.IdleExpiresAt), column.Time(&g.ExpiresAt), column.Time(&g.CreatedAt),
		column.Time(&g.RevokedAt), &g.RevokedWhy,
	}
}

// scanGrant reads a row of grantColumns.
func scanGrant(row scanner) (g storage.Grant, err error) {
	err = row.Scan(grantFields(&g)...)
	return g, err
}

// grantLives is when a grant counts, as storage.Grants defines it; $3 is now. A session
// past its end counts as ended: it may be swept at any time.
const grantLives = grantStands + `
	AND EXISTS (SELECT 1 FROM users WHERE ` + grantUserLives + `)`

// grantUserLives is grantLives as far as the grant's user decides. A statement that reads the
// user, too, joins on it and adds grantStands, which is the rest.
const grantUserLives = `users.tenant_id = grants.tenant_id AND users.id = grants.user_id
		AND users.credential_version = grants.credential_version AND NOT users.disabled`

// grantStands is grantLives without what the user decides: the grant is not revoked, expired or dated ahead; its client
// is enabled, and was not removed and declared again since; its session is alive, unless the grant outlives it.
const grantStands = `grants.revoked_at = 0 AND grants.expires_at > $3 AND grants.created_at` + notAhead + `
	AND EXISTS (
		SELECT 1 FROM clients
		WHERE clients.tenant_id = grants.tenant_id AND clients.id = grants.client_id
			AND clients.epoch = grants.client_epoch AND NOT clients.disabled)
	AND (grants.offline OR grants.session_id = '' OR EXISTS (
		SELECT 1 FROM sessions
		WHERE sessions.tenant_id = grants.tenant_id AND sessions.id = grants.session_id
			AND sessions.ended_at = 0 AND sessions.expires_at > $3 AND sessions.created_at` + notAhead +
	actorLives + `$3))))`

const (
	// The unique code_id decides: of many redemptions one inserts. The same statement checks
	// all that the user may have lost since the code was issued, and returns the user.
	//
	// A grant that outlives its session, or depends on a consent, is revoked by a change that first
	// ends the session or consent. PostgreSQL reads what was committed when the statement
	// began, and so could insert a grant after that revocation. It therefore locks the rows
	// that it found, and the change waits for them. SQLite has one writer.
	redeemPostgres          = withRedeemed + redeemPerson + redeemConsent + redeemOnce + andItsUser
	redeemConsentedPostgres = withRedeemed + redeemPerson + redeemConsent + hold + redeemOnce + andItsUser
	redeemOfflinePostgres   = withRedeemed + redeemPerson + hold + redeemConsent + hold + redeemOnce + andItsUser
	// They also return what the user belongs to.
	redeemBelongingPostgres          = withRedeemed + redeemPerson + redeemConsent + redeemOnce + andBelonging
	redeemConsentedBelongingPostgres = withRedeemed + redeemPerson + redeemConsent + hold + redeemOnce + andBelonging
	redeemOfflineBelongingPostgres   = withRedeemed + redeemPerson + hold + redeemConsent + hold + redeemOnce +
		andBelonging

	redeemPerson = `
		INSERT INTO grants (tenant_id, id, code_id, user_id, client_id, session_id, offline,
			credential_version, scopes, audience, claims, auth_time, amr, acr, generation, rotated_at,
			idle_expires_at, expires_at, created_at, revoked_at, revoked_why, client_epoch)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0, '', clients.epoch
		FROM clients
		WHERE clients.tenant_id = $1 AND clients.id = $5 AND NOT clients.disabled
		AND EXISTS (
			SELECT 1 FROM users
			WHERE users.tenant_id = $1 AND users.id = $4 AND users.credential_version = $8 AND NOT users.disabled)
		AND ($6 = '' OR EXISTS (
			SELECT 1 FROM sessions
			WHERE sessions.tenant_id = $1 AND sessions.id = $6 AND sessions.user_id = $4
				AND sessions.ended_at = 0 AND sessions.expires_at > $19` + actorLives + `$19))`
	redeemConsent = `))
		AND ($20 = '' OR EXISTS (
			SELECT 1 FROM consents
			WHERE consents.tenant_id = $1 AND consents.user_id = $20 AND consents.client_id = $5
				AND consents.client_epoch = clients.epoch`
	redeemOnce = `))
		ON CONFLICT DO NOTHING`
	hold = ` FOR SHARE`

	withRedeemed = `WITH redeemed AS (`
	andItsUser   = itsUser + ofRedeemed
	andBelonging = itsUser + belongingPostgres + ofRedeemed
	itsUser      = ` RETURNING user_id)
		SELECT ` + userColumns
	ofRedeemed = ` FROM users
		WHERE users.tenant_id = $1 AND users.id IN (SELECT redeemed.user_id FROM redeemed)`
)

const (
	// A code that comes a second time has leaked (RFC 9700 2.1.1): what the first gave dies.
	revokeRedeemed = `
		UPDATE grants SET
			revoked_at = CASE WHEN revoked_at = 0 THEN $3 ELSE revoked_at END,
			revoked_why = CASE WHEN revoked_at = 0 THEN $4 ELSE revoked_why END
		WHERE tenant_id = $1 AND code_id = $2 AND code_id <> ''`
	grantExists = `SELECT COUNT(*) FROM grants WHERE tenant_id = $1 AND id = $2`
)

// RedeemCode implements storage.Grants.
func (s *Store) RedeemCode(ctx context.Context, g storage.Grant, also *storage.Belonging) (storage.User, error) {
	u, err := s.insertRedeemed(ctx, g, also)
	if errors.Is(err, storage.ErrNotFound) {
		err = s.whyUnredeemed(ctx, g)
	}
	return u, engine.Named(err, "redeem code for grant", g.ID)
}

// insertRedeemed returns ErrNotFound when the grant was not inserted, whatever the reason.
func (s *Store) insertRedeemed(ctx context.Context, g storage.Grant, also *storage.Belonging) (u storage.User,
	err error,
) {
	consentOf := ""
	if g.Consented {
		consentOf = g.UserID
	}
	args := []any{g.TenantID, g.ID, g.CodeID, g.UserID, g.ClientID, g.SessionID, g.Offline,
		g.CredentialVersion, column.EncodeList(g.Scopes), column.EncodeList(g.Audience), g.Claims, column.Micros(g.AuthTime),
		column.EncodeList(g.AMR), g.ACR, g.Generation, column.Micros(g.RotatedAt), column.Micros(g.IdleExpiresAt),
		column.Micros(g.ExpiresAt), column.Micros(g.CreatedAt), consentOf}
	query := redemption(&g, also)
	if !s.postgres {
		query = either(also, redeemSQLite, redeemBelongingSQLite)
	}
	err = s.engine.Write(ctx, func(c conn) (err error) {
		return c.Row(query, args...).Scan(userAndBelonging(&u, also)...)
	})
	return u, err
}

// redemption returns PostgreSQL's text for the redemption.
func redemption(g *storage.Grant, also *storage.Belonging) string {
	switch {
	case g.Offline && also != nil:
		return redeemOfflineBelongingPostgres
	case g.Consented && also != nil:
		return redeemConsentedBelongingPostgres
	case also != nil:
		return redeemBelongingPostgres
	case g.Offline:
		return redeemOfflinePostgres
	case g.Consented:
		return redeemConsentedPostgres
	}
	return redeemPostgres
}

// userAndBelonging returns where the columns of a user go, and those of also unless it is nil.
func userAndBelonging(u *storage.User, also *storage.Belonging) []any {
	return append(userFields(u), belongingFields(also)...)
}

// either returns the text that reads what the user belongs to, too, unless also is nil.
func either(also *storage.Belonging, without, with string) string {
	if also != nil {
		return with
	}
	return without
}

// SQLite returns no columns of a joined table from a write, and for what it returns it makes a table each time, which
// costs more than a SELECT. So one follows in the same transaction, for what the write has changed.
const (
	redeemSQLite          = redeemPerson + redeemConsent + redeemOnce + redeemedBegins + redeemedEnds
	redeemBelongingSQLite = redeemPerson + redeemConsent + redeemOnce + redeemedBegins + belongingSQLite + redeemedEnds
	redeemedBegins        = `;
		SELECT ` + userColumns
	redeemedEnds = `
		FROM users
		WHERE changes() > 0 AND users.tenant_id = $1 AND users.id = $4`

	rotateSQLite          = rotated + refreshedBegins + refreshedEnds
	rotateBelongingSQLite = rotated + refreshedBegins + belongingSQLite + refreshedEnds
	touchSQLite           = touched + refreshedBegins + refreshedEnds
	touchBelongingSQLite  = touched + refreshedBegins + belongingSQLite + refreshedEnds
	rotated               = `UPDATE grants ` + setRotated + ofGeneration + grantLives
	touched               = `UPDATE grants ` + setTouched + ofGeneration + grantLives
	refreshedBegins       = `;
		SELECT ` + grantColumns + `, ` + userColumns
	refreshedEnds = `
		FROM grants
		JOIN users ON users.tenant_id = grants.tenant_id AND users.id = grants.user_id
		WHERE changes() > 0 AND grants.tenant_id = $1 AND grants.id = $2`
)

// whyUnredeemed revokes what an earlier redemption of the code gave, and returns ErrExists then.
// Otherwise the error says whether the grant's id was taken or what it rests on is gone.
func (s *Store) whyUnredeemed(ctx context.Context, g storage.Grant) error {
	n, err := s.put(ctx, revokeRedeemed, g.TenantID, g.CodeID, column.Micros(g.CreatedAt), "code redeemed twice")
	if err != nil {
		return err
	}
	if n > 0 {
		return storage.ErrExists
	}
	return s.engine.Read(ctx, func(c conn) error {
		if err := engine.None(c, grantExists, g.TenantID, g.ID); err != nil {
			return err
		}
		return storage.ErrNotFound
	})
}

const (
	ofGeneration = `
		WHERE grants.tenant_id = $1 AND grants.id = $2 AND grants.client_id = $4
			AND grants.generation = $5 AND grants.generation > 0
			AND (grants.idle_expires_at = 0 OR grants.idle_expires_at > $3)
			AND `
	setRotated = `SET generation = grants.generation + 1, rotated_at = $3, idle_expires_at = $6`
	setTouched = `SET idle_expires_at = $6, used_at = $3`
	// PostgreSQL returns columns of joined tables, too. SQLite does not.
	andUser = ` FROM users` + ofGeneration + grantUserLives + ` AND ` + grantStands + ` RETURNING ` +
		grantColumns + `, ` + userColumns
	rotatePostgres          = `UPDATE grants ` + setRotated + andUser
	touchPostgres           = `UPDATE grants ` + setTouched + andUser
	rotateBelongingPostgres = rotatePostgres + belongingPostgres
	touchBelongingPostgres  = touchPostgres + belongingPostgres
)

// Rotate implements storage.Grants.
func (s *Store) Rotate(ctx context.Context, tenant, id, clientID string, gen int64, idleExpiresAt, now time.Time,
	also *storage.Belonging,
) (storage.Grant, storage.User, error) {
	query := either(also, s.text(rotateSQLite, rotatePostgres), s.text(rotateBelongingSQLite, rotateBelongingPostgres))
	g, u, err := s.refresh(ctx, also, query, tenant, id, column.Micros(now), clientID, gen, column.Micros(idleExpiresAt))
	return g, u, engine.Named(err, "rotate grant", id)
}

// Touch implements storage.Grants.
func (s *Store) Touch(ctx context.Context, tenant, id, clientID string, gen int64, idleExpiresAt, now time.Time,
	also *storage.Belonging,
) (storage.Grant, storage.User, error) {
	query := either(also, s.text(touchSQLite, touchPostgres), s.text(touchBelongingSQLite, touchBelongingPostgres))
	g, u, err := s.refresh(ctx, also, query, tenant, id, column.Micros(now), clientID, gen, column.Micros(idleExpiresAt))
	return g, u, engine.Named(err, "touch grant", id)
}

// refresh runs the text of Rotate or Touch, and returns the grant and its user.
func (s *Store) refresh(ctx context.Context, also *storage.Belonging, query string, args ...any) (g storage.Grant,
	u storage.User, err error) {
	err = s.engine.Write(ctx, func(c conn) (err error) {
		return c.Row(query, args...).Scan(append(grantFields(&g), userAndBelonging(&u, also)...)...)
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = storage.ErrStale
	}
	return g, u, err
}

const grantByID = `
	SELECT ` + grantColumns + ` FROM grants
	WHERE tenant_id = $1 AND id = $2`

// Grant implements storage.Grants.
func (s *Store) Grant(ctx context.Context, tenant, id string) (storage.Grant, error) {
	g, err := one(ctx, s, grantByID, []any{tenant, id}, scanGrant)
	return g, engine.Named(err, "grant", id)
}

const (
	liveGrantSQLite            = liveGrantBegins + liveGrantEnds
	liveGrantBelongingSQLite   = liveGrantBegins + belongingSQLite + liveGrantEnds
	liveGrantPostgres          = liveGrantBegins + liveGrantEnds
	liveGrantBelongingPostgres = liveGrantBegins + belongingPostgres + liveGrantEnds

	liveGrantBegins = `
	SELECT ` + grantColumns + `, ` + userColumns
	liveGrantEnds = `
	FROM grants
	JOIN users ON ` + grantUserLives + `
	WHERE grants.tenant_id = $1 AND grants.id = $2 AND ` + grantStands + `
		AND NOT EXISTS (
			SELECT 1 FROM spent_values
			WHERE spent_values.tenant_id = $1 AND spent_values.purpose = $4 AND spent_values.hash = $5)`
)

// LiveGrant implements storage.Grants.
func (s *Store) LiveGrant(ctx context.Context, tenant, id, jti string, now time.Time, also *storage.Belonging,
) (storage.Grant, storage.User, error) {
	type pair struct {
		grant storage.Grant
		user  storage.User
	}
	query := either(also, s.text(liveGrantSQLite, liveGrantPostgres),
		s.text(liveGrantBelongingSQLite, liveGrantBelongingPostgres))
	args := []any{tenant, id, column.Micros(now), storage.SpentAccessToken, column.Hash(jti)}
	p, err := one(ctx, s, query, args, func(row scanner) (p pair, err error) {
		err = row.Scan(append(grantFields(&p.grant), userAndBelonging(&p.user, also)...)...)
		return p, err
	})
	return p.grant, p.user, engine.Named(err, "live grant", id)
}

const grantsOf = `
	SELECT ` + grantColumns + ` FROM grants
	WHERE grants.tenant_id = $1 AND grants.user_id = $2 AND ` + grantLives + `
	ORDER BY grants.id DESC LIMIT $4`

// GrantsOf implements storage.Grants.
func (s *Store) GrantsOf(ctx context.Context, tenant, userID string, now time.Time) ([]storage.Grant, error) {
	all, err := list(ctx, s, grantsOf, []any{tenant, userID, column.Micros(now), storage.MostOfUser}, scanGrant)
	return all, engine.Named(err, "grants of user", userID)
}

// lastSignIns asks for a range of one client. With "=", PostgreSQL reads all grants of the tenant, newest first, for a
// client that has none: half a second among a million.
const lastSignIns = `
	SELECT clients.id, COALESCE((SELECT grants.created_at FROM grants
		WHERE grants.tenant_id = clients.tenant_id AND grants.client_id >= clients.id AND grants.client_id <= clients.id
		ORDER BY grants.client_id DESC, grants.id DESC LIMIT 1), 0)
	FROM clients
	WHERE clients.tenant_id = $1 AND clients.id >= $2 AND clients.id <= $3 AND clients.removed_at = 0`

// LastSignIns implements storage.Grants.
func (s *Store) LastSignIns(ctx context.Context, tenant, from, to string) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	_, err := list(ctx, s, lastSignIns, []any{tenant, from, to}, func(row scanner) (id string, err error) {
		var at time.Time
		if err = row.Scan(&id, column.Time(&at)); err == nil && !at.IsZero() {
			all[id] = at
		}
		return id, err
	})
	return all, engine.Named(err, "last sign-ins from", from)
}

// useOf looks at the latest grants alone, so that a client with millions costs no more. It asks for a range, as
// lastSignIns does.
const useOf = `
	SELECT COUNT(*), COALESCE(SUM(lives), 0), COUNT(DISTINCT session), COALESCE(MAX(active), 0),
		COALESCE(MAX(made), 0) FROM (
		SELECT grants.created_at AS made, CASE WHEN ` + grantLives + ` THEN 1 ELSE 0 END AS lives, ` + grantActive + ` AS active, (
			SELECT sessions.id FROM sessions
			WHERE sessions.tenant_id = grants.tenant_id AND sessions.id = grants.session_id
				AND sessions.ended_at = 0 AND sessions.expires_at > $3 AND grants.revoked_at = 0) AS session
		FROM (
			SELECT * FROM grants WHERE tenant_id = $1 AND client_id >= $2 AND client_id <= $2
			ORDER BY client_id DESC, id DESC LIMIT $4) AS grants) AS found`

// UseOf implements storage.Grants.
func (s *Store) UseOf(
	ctx context.Context, tenant, clientID string, most int, now time.Time,
) (storage.ClientUse, error) {
	args := []any{tenant, clientID, column.Micros(now), most + 1}
	use, err := one(ctx, s, useOf, args, func(row scanner) (u storage.ClientUse, err error) {
		var seen int64
		var made time.Time
		err = row.Scan(&seen, &u.Grants, &u.Sessions, column.Time(&u.LastUse), column.Time(&made))
		if made.After(u.LastUse) {
			u.LastUse = made
		}
		u.More = seen > int64(most)
		u.Grants, u.Sessions = min(u.Grants, int64(most)), min(u.Sessions, int64(most))
		return u, err
	})
	return use, engine.Named(err, "use of client", clientID)
}

const consentColumns = `consents.tenant_id, consents.user_id, consents.client_id, consents.scopes, consents.claims,
	consents.resources, consents.granted_at`

// ofClients leaves out what was allowed a client before it was removed and stored anew.
const ofClients = `
	JOIN clients ON clients.tenant_id = consents.tenant_id AND clients.id = consents.client_id
		AND clients.epoch = consents.client_epoch AND clients.removed_at = 0`

// scanConsent reads a row of consentColumns.
func scanConsent(row scanner) (c storage.Consent, err error) {
	err = row.Scan(&c.TenantID, &c.UserID, &c.ClientID, column.List(&c.Scopes), column.List(&c.Claims),
		column.List(&c.Resources), column.Time(&c.GrantedAt))
	return c, err
}

const consent = `
	SELECT ` + consentColumns + ` FROM consents` + ofClients + `
	WHERE consents.tenant_id = $1 AND consents.user_id = $2 AND consents.client_id = $3`

// Consent implements storage.Consents.
func (s *Store) Consent(ctx context.Context, tenant, userID, clientID string) (storage.Consent, error) {
	c, err := one(ctx, s, consent, []any{tenant, userID, clientID}, scanConsent)
	return c, engine.Named(err, "consent to client", clientID)
}

const putConsent = `
	INSERT INTO consents (tenant_id, user_id, client_id, scopes, claims, resources, granted_at, client_epoch)
	SELECT $1, $2, $3, $4, $5, $6, $7, clients.epoch
	FROM clients WHERE clients.tenant_id = $1 AND clients.id = $3 AND clients.removed_at = 0
	ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE SET
		scopes = excluded.scopes, claims = excluded.claims, resources = excluded.resources,
		granted_at = excluded.granted_at, client_epoch = excluded.client_epoch`

// consentArgs returns the arguments of putConsent.
func consentArgs(c storage.Consent) []any {
	return []any{c.TenantID, c.UserID, c.ClientID, column.EncodeList(c.Scopes), column.EncodeList(c.Claims),
		column.EncodeList(c.Resources), column.Micros(c.GrantedAt)}
}

const consentsOf = `
	SELECT ` + consentColumns + ` FROM consents` + ofClients + `
	WHERE consents.tenant_id = $1 AND consents.user_id = $2
	ORDER BY consents.client_id`

// ConsentsOf implements storage.Consents.
func (s *Store) ConsentsOf(ctx context.Context, tenant, userID string) ([]storage.Consent, error) {
	all, err := list(ctx, s, consentsOf, []any{tenant, userID}, scanConsent)
	return all, engine.Named(err, "consents of user", userID)
}
