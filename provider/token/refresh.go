package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// refreshGrant gives new tokens for a refresh token (RFC 6749 section 6, RFC 9700 section 4.14.2, OIDC
// Core 12).
//
// Order. The keys that will sign are fetched first; then one conditional UPDATE makes the next
// generation the living one and says what the grant allows; then the tokens are signed, which needs no
// other system any more. So an answer fails before the UPDATE, where nothing has changed and the
// client's token still works, or it is lost on the way to the client: within the grace window the same
// token then yields the same successor. Signing before the UPDATE would ask for a read of the grant each
// time, and win nothing: an answer that is never sent is lost either way.
type refreshGrant struct {
	signer
	store refreshStore
	log   *slog.Logger
	// idleLifetime ends a refresh token that is not used, for clients that say nothing.
	idleLifetime time.Duration
	// first and observe are those of Server.
	first   func(ctx context.Context, tenant, user string, signedIn, now time.Time) bool
	observe func(ctx context.Context, e storage.Event)
	// grace is how long after a rotation the predecessor yields the same successor.
	grace time.Duration
}

// refreshStore is what the grant type asks of storage.
type refreshStore interface {
	Rotate(
		ctx context.Context, tenant, id, clientID string, gen int64, idleExpiresAt, now time.Time, also *storage.Belonging,
	) (storage.Grant, storage.User, error)
	Touch(
		ctx context.Context, tenant, id, clientID string, gen int64, idleExpiresAt, now time.Time, also *storage.Belonging,
	) (storage.Grant, storage.User, error)
	Grant(ctx context.Context, tenant, id string) (storage.Grant, error)
	LiveGrant(
		ctx context.Context, tenant, id, jti string, now time.Time, also *storage.Belonging,
	) (storage.Grant, storage.User, error)
	Apply(ctx context.Context, c storage.Change) error
}

// check reads the token without using it: what is wrong with the request itself must not cost the user the grant.
func (rg *refreshGrant) check(ctx context.Context, q *tokenRequest) error {
	value := q.form.Get("refresh_token")
	if value == "" {
		return fosite.ErrInvalidRequest.WithDescription("refresh_token is missing.")
	}
	var err error
	if q.refresh, err = rg.tokens.OpenRefreshToken(q.tenant.ID, value); err != nil {
		return invalidGrant(ctx, err.Error())
	}
	if err := checkRefreshKey(ctx, q); err != nil {
		return err
	}
	if q.scopes = strings.Fields(q.form.Get("scope")); len(q.scopes) > 0 || q.form.Has("resource") {
		return rg.checkNarrower(ctx, q)
	}
	return nil
}

// checkNarrower refuses more than was granted before anything changes: a mistake in the client must not cost
// the user the grant. This read is made only for clients that send scope or resource.
func (rg *refreshGrant) checkNarrower(ctx context.Context, q *tokenRequest) error {
	g, err := rg.store.Grant(ctx, q.tenant.ID, q.refresh.GrantID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && g.ClientID != q.client.ClientID {
		return invalidGrant(ctx, "no such grant of this client")
	}
	if err != nil {
		return fmt.Errorf("grant of refresh token: %w", err)
	}
	for _, scope := range q.scopes {
		if !slices.Contains(g.Scopes, scope) {
			return fosite.ErrInvalidScope.WithDescription("A requested scope wasn't granted before. Ask only for scopes " +
				"of the first request.")
		}
	}
	return q.narrow(g.Audience)
}

// issue uses the token, and answers with its successor. The keys are fetched first: after the token is used, nothing
// but reading may fail.
func (rg *refreshGrant) issue(ctx context.Context, q *tokenRequest, answer fosite.AccessResponder) error {
	allowed := q.client.Scopes()
	keys, err := rg.fetchKeys(ctx, q, slices.Contains(allowed, "openid"))
	if err != nil {
		return err
	}
	if err := rg.proofs.Spend(ctx, q.proof); err != nil {
		return err
	}
	g, user, err := rg.use(ctx, q)
	if err == nil {
		err = admit(ctx, rg.store, q, g, user)
	}
	if err != nil {
		return err
	}
	rg.count(ctx, q, g)
	subject := &claims.Subject{Tenant: &q.tenant.Tenant, Client: q.client, User: user, Belonging: q.belonging}
	// If this fails, the client's token yields the same successor within the grace window.
	if err := rg.tokens.ReadIdentities(ctx, subject, g.UserID); err != nil {
		return err
	}
	// What was taken from the client since is not given any more, and a narrower scope narrows these
	// tokens only: the grant keeps all it has (RFC 6749 section 6).
	scopes := slices.DeleteFunc(slices.Clone(g.Scopes), func(scope string) bool {
		return !slices.Contains(allowed, scope) || !q.tenant.Settings.AdmitsScope(q.client, scope) ||
			len(q.scopes) > 0 && !slices.Contains(q.scopes, scope)
	})
	// The ID token is like the first, with a new iat and without the nonce (OIDC Core 12.2).
	return rg.write(ctx, answer, q, keys, q.of(g, subject, scopes))
}

// count records the first refresh for a user on a day on which the user did not sign in. Administrators who sign in as
// a user get no refresh tokens.
func (rg *refreshGrant) count(ctx context.Context, q *tokenRequest, g *storage.Grant) {
	if rg.first == nil || g.UserID == "" || !rg.first(ctx, q.tenant.ID, g.UserID, g.AuthTime, q.now) {
		return
	}
	rg.observe(ctx, storage.Event{
		TenantID: q.tenant.ID, Kind: storage.EventSessionRefreshed, Actor: g.UserID, UserID: g.UserID, ClientID: g.ClientID,
	})
}

// use makes the refresh token's successor the living one. It returns the grant with the new
// generation, and the grant's user.
func (rg *refreshGrant) use(ctx context.Context, q *tokenRequest) (*storage.Grant, *storage.User, error) {
	advance := rg.store.Rotate
	if !q.client.Rotates() {
		advance = rg.store.Touch
	}
	idle := q.now.Add(q.client.RefreshTokenIdleLifetime.Or(rg.idleLifetime))
	g, user, err := advance(
		ctx, q.tenant.ID, q.refresh.GrantID, q.client.ClientID, q.refresh.Generation, idle, q.now, q.ask(),
	)
	if errors.Is(err, storage.ErrStale) {
		return rg.stale(ctx, q)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("rotate refresh token: %w", err)
	}
	return &g, &user, nil
}

// stale finds out why a refresh token did not work. A predecessor inside the grace window is an answer
// that was lost, or a second tab: it gets the successor that is there, never one more. An older one was
// copied: which of the two holders is the thief cannot be told, so that the grant ends for both.
func (rg *refreshGrant) stale(ctx context.Context, q *tokenRequest) (*storage.Grant, *storage.User, error) {
	g, err := rg.store.Grant(ctx, q.tenant.ID, q.refresh.GrantID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil, invalidGrant(ctx, "no such grant")
	case err != nil:
		return nil, nil, fmt.Errorf("grant of stale refresh token: %w", err)
	// The client before everything else: another client's use, even of a token that was rotated long
	// ago, must not end the owner's grant.
	case g.ClientID != q.client.ClientID:
		return nil, nil, invalidGrant(ctx, "another client's token")
	case !g.RevokedAt.IsZero():
		return nil, nil, invalidGrant(ctx, "the grant was revoked")
	case q.refresh.Generation > g.Generation:
		return nil, nil, rg.rolledBack(ctx, q, &g)
	case q.refresh.Generation == g.Generation:
		return nil, nil, invalidGrant(ctx, "the grant is dead: expired, signed out, or the user or client disabled")
	case q.refresh.Generation == g.Generation-1 && justNow(q.now.Sub(g.RotatedAt), rg.grace):
		return rg.again(ctx, q)
	}
	if err := rg.revoke(ctx, q, &g, storage.EventRefreshReused, "refresh token reused"); err != nil {
		return nil, nil, err
	}
	return nil, nil, invalidGrant(ctx, "the refresh token was used before")
}

// rolledBack ends a grant whose token is ahead of it. We made the token, and no token is made before its
// generation is stored: the database has forgotten it, as after a restore or the failover to a standby
// that lagged behind. Its predecessors, spent long ago, would work again.
func (rg *refreshGrant) rolledBack(ctx context.Context, q *tokenRequest, g *storage.Grant) error {
	if err := rg.revoke(ctx, q, g, storage.EventRefreshAhead, "refresh token ahead of the database"); err != nil {
		return err
	}
	rg.log.WarnContext(ctx, "a refresh token is newer than its grant: the database was rolled back. "+
		"See docs/backup.md", "grant", g.ID)
	return invalidGrant(ctx, "the refresh token is ahead of its grant: the database was rolled back")
}

// revoke ends a grant for what its client presented, and records the event.
func (rg *refreshGrant) revoke(ctx context.Context, q *tokenRequest, g *storage.Grant, kind, why string) error {
	e := storage.Event{
		Kind: kind, Actor: q.client.ClientID, UserID: g.UserID, ClientID: g.ClientID,
		Detail: map[string]string{"grant": g.ID},
	}
	if err := rg.store.Apply(ctx, oauth.Revocation(ctx, q.tenant.ID, storage.GrantFilter{ID: g.ID}, why, e)); err != nil {
		return fmt.Errorf("revoke grant, %s: %w", why, err)
	}
	return nil
}

// again returns the grant of a predecessor that may still be used, if the grant lives, and its user.
func (rg *refreshGrant) again(ctx context.Context, q *tokenRequest) (*storage.Grant, *storage.User, error) {
	g, user, err := rg.store.LiveGrant(ctx, q.tenant.ID, q.refresh.GrantID, "", q.now, q.ask())
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil, invalidGrant(ctx, "the grant is dead")
	case err != nil:
		return nil, nil, fmt.Errorf("grant of predecessor: %w", err)
	case !g.IdleExpiresAt.IsZero() && !q.now.Before(g.IdleExpiresAt):
		return nil, nil, invalidGrant(ctx, "the refresh token was not used for too long")
	}
	g.Generation = q.refresh.Generation + 1 // the same successor, whatever came of it since
	return &g, &user, nil
}

// justNow reports whether age is within grace. Another replica's clock may be a little ahead; what lies
// further in the future was done before a clock was set back, and long ago.
func justNow(age, grace time.Duration) bool { return age <= grace && age >= -graceSkew }

// graceSkew is what storage.ClockSkew is elsewhere, in proportion to so short a time.
const graceSkew = 10 * time.Second
