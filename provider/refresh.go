package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// refreshGrant gives new tokens for a refresh token (RFC 6749 section 6, RFC 9700
// section 4.14.2, OIDC Core 12).
//
// Order. The keys that will sign are fetched first; then one conditional UPDATE makes
// the next generation the living one and says what the grant allows; then the tokens
// are signed, which needs nobody any more. So an answer fails before the UPDATE, where
// nothing has changed and the client's token still works, or it is lost on the way to
// the client: within the grace window the same token then yields the same successor.
// Signing before the UPDATE would ask for a read of the grant each time, and win
// nothing: an answer that is never sent is lost either way.
type refreshGrant struct{ *Provider }

func (p refreshGrant) check(ctx context.Context, s *session) error {
	value := s.form.Get("refresh_token")
	if value == "" {
		return fosite.ErrInvalidRequest.WithDescription("refresh_token is missing.")
	}
	var err error
	if s.token.GrantID, s.token.Generation, err = p.tokens.OpenRefreshToken(s.tenant.ID, value); err != nil {
		return invalidGrant(ctx, err.Error())
	}
	if s.scopes = strings.Fields(s.form.Get("scope")); len(s.scopes) > 0 {
		return p.checkScope(ctx, s)
	}
	return nil
}

// checkScope refuses more than was granted before anything changes: a mistake in the
// client must not cost the person the grant. This read is made for clients that send
// scope only.
func (p refreshGrant) checkScope(ctx context.Context, s *session) error {
	g, err := p.Store.Grant(ctx, s.tenant.ID, s.token.GrantID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && g.ClientID != s.client.ClientID {
		return invalidGrant(ctx, "no such grant of this client")
	}
	if err != nil {
		return fmt.Errorf("grant of refresh token: %w", err)
	}
	for _, scope := range s.scopes {
		if !slices.Contains(g.Scopes, scope) {
			return fosite.ErrInvalidScope.WithDescription("A scope that was asked for is not among those that were granted.")
		}
	}
	return nil
}

func (p refreshGrant) issue(ctx context.Context, s *session) (*issued, error) {
	allowed := s.client.Scopes()
	keys, err := p.tokenKeys(ctx, s, slices.Contains(allowed, "openid"))
	if err != nil {
		return nil, err
	}
	g, user, err := p.use(ctx, s)
	if err != nil {
		return nil, err
	}
	// What was taken from the client since is not given any more, and a narrower scope
	// narrows these tokens only: the grant keeps all it has (RFC 6749 section 6).
	scopes := slices.DeleteFunc(slices.Clone(g.Scopes), func(scope string) bool {
		return !slices.Contains(allowed, scope) || len(s.scopes) > 0 && !slices.Contains(s.scopes, scope)
	})
	out, err := p.grantAccess(s, keys, g, scopes)
	if err != nil {
		return nil, err
	}
	if slices.Contains(scopes, "openid") {
		// Like the first, with a new iat and without the nonce (OIDC Core 12.2).
		if out.id, err = p.tokens.IDToken(s.tenant, s.client, keys.id, g, scopes, user, "", out.access, s.now); err != nil {
			return nil, err
		}
	}
	out.refresh = p.tokens.RefreshToken(s.tenant.ID, g.ID, g.Generation)
	return out, nil
}

// use makes the refresh token's successor the living one. It returns the grant with the new
// generation, and the grant's user.
func (p refreshGrant) use(ctx context.Context, s *session) (*storage.Grant, *storage.User, error) {
	advance := p.Store.Rotate
	if !rotates(s.client) {
		advance = p.Store.Touch
	}
	idle := s.now.Add(s.client.RefreshTokenIdleLifetime.Or(p.RefreshTokenIdleLifetime))
	g, user, err := advance(ctx, s.tenant.ID, s.token.GrantID, s.client.ClientID, s.token.Generation, idle, s.now)
	if errors.Is(err, storage.ErrStale) {
		return p.stale(ctx, s)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("rotate refresh token: %w", err)
	}
	return &g, &user, nil
}

// rotates says whether the client's refresh tokens are replaced at each use. A public
// client's always are: nothing else would show that one was stolen (OAuth 2.1
// section 4.3.1).
func rotates(c *storage.Client) bool {
	return c.Public() || c.RefreshTokenRotation == nil || *c.RefreshTokenRotation
}

// stale finds out why a refresh token did not work. A predecessor inside the grace
// window is an answer that was lost, or a second tab: it gets the successor that is
// there, never one more. An older one was copied: which of the two holders is the
// thief cannot be told, so that the grant ends for both.
func (p refreshGrant) stale(ctx context.Context, s *session) (*storage.Grant, *storage.User, error) {
	g, err := p.Store.Grant(ctx, s.tenant.ID, s.token.GrantID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil, invalidGrant(ctx, "no such grant")
	case err != nil:
		return nil, nil, fmt.Errorf("grant of stale refresh token: %w", err)
	// The client before everything else: another's use, even of a token that was rotated
	// long ago, must not end the owner's grant.
	case g.ClientID != s.client.ClientID:
		return nil, nil, invalidGrant(ctx, "another client's token")
	case !g.RevokedAt.IsZero():
		return nil, nil, invalidGrant(ctx, "the grant was revoked")
	case s.token.Generation > g.Generation:
		return nil, nil, p.rolledBack(ctx, s, &g)
	case s.token.Generation == g.Generation:
		return nil, nil, invalidGrant(ctx, "the grant is dead: expired, signed out, or the person or client disabled")
	case s.token.Generation == g.Generation-1 && justNow(s.now.Sub(g.RotatedAt), p.RefreshTokenGrace):
		return p.again(ctx, s)
	}
	e := storage.Event{Kind: storage.EventRefreshReused, Actor: s.client.ClientID, UserID: g.UserID, ClientID: g.ClientID, Detail: map[string]string{"grant": g.ID}}
	if err := p.Store.Apply(ctx, oauth.Revocation(ctx, s.tenant.ID, storage.GrantFilter{ID: g.ID}, "refresh token reused", e)); err != nil {
		return nil, nil, fmt.Errorf("revoke reused grant: %w", err)
	}
	return nil, nil, invalidGrant(ctx, "the refresh token was used before")
}

// rolledBack ends a grant whose token is ahead of it. We made the token, and no token is made
// before its generation is stored: the database has forgotten it, as after a restore or the
// failover to a standby that lagged behind. Its predecessors, spent long ago, would work again.
func (p refreshGrant) rolledBack(ctx context.Context, s *session, g *storage.Grant) error {
	e := storage.Event{Kind: storage.EventRefreshAhead, Actor: s.client.ClientID, UserID: g.UserID, ClientID: g.ClientID, Detail: map[string]string{"grant": g.ID}}
	if err := p.Store.Apply(ctx, oauth.Revocation(ctx, s.tenant.ID, storage.GrantFilter{ID: g.ID}, "refresh token ahead of the database", e)); err != nil {
		return fmt.Errorf("revoke grant that was rolled back: %w", err)
	}
	p.Log.WarnContext(ctx, "a refresh token is newer than its grant: the database was rolled back. See docs/operations.md, Backups", "grant", g.ID)
	return invalidGrant(ctx, "the refresh token is ahead of its grant: the database was rolled back")
}

// again is the grant of a predecessor that may still be used, if the grant lives.
func (p refreshGrant) again(ctx context.Context, s *session) (*storage.Grant, *storage.User, error) {
	g, user, err := p.Store.LiveGrant(ctx, s.tenant.ID, s.token.GrantID, "", s.now)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil, invalidGrant(ctx, "the grant is dead")
	case err != nil:
		return nil, nil, fmt.Errorf("grant of predecessor: %w", err)
	case !g.IdleExpiresAt.IsZero() && !s.now.Before(g.IdleExpiresAt):
		return nil, nil, invalidGrant(ctx, "the refresh token was not used for too long")
	}
	g.Generation = s.token.Generation + 1 // the same successor, whatever came of it since
	return &g, &user, nil
}

// justNow says whether something is so young. Another replica's clock may be a little
// ahead; what lies further in the future was done before a clock was set back, and long ago.
func justNow(age, grace time.Duration) bool { return age <= grace && age >= -graceSkew }

// graceSkew is what storage.ClockSkew is elsewhere, in proportion to so short a time.
const graceSkew = 10 * time.Second
