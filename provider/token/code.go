package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// codeGrant gives the tokens of an authorization code (OAuth 2.1 section 4.1.3, OIDC Core 3.1.3). The
// code is sealed, so that everything about it is known before storage is asked; one INSERT then
// redeems it, and the database decides which of two redemptions wins.
type codeGrant struct {
	signer
	store       codeStore
	limits      *limit.Limiter
	observe     func(ctx context.Context, e storage.Event)
	unprotected *unprotectedClients
	// lifetime and idleLifetime are those of refresh tokens, for clients that say nothing.
	lifetime, idleLifetime time.Duration
}

// codeStore is what the grant type asks of storage.
type codeStore interface {
	RedeemCode(ctx context.Context, g storage.Grant, also *storage.Belonging) (storage.User, error)
	Apply(ctx context.Context, c storage.Change) error
}

// fapiCode is how long a code of a FAPI 2.0 client counts at most (section 5.3.2.1).
const fapiCode = time.Minute

// check opens the code and compares it with the request, in an order that protects its owner: a code that another
// client presents stays valid, and one that comes with a wrong verifier is burned.
func (cg *codeGrant) check(ctx context.Context, q *tokenRequest) error {
	value := q.form.Get("code")
	if value == "" {
		return fosite.ErrInvalidRequest.WithDescription("code is missing.")
	}
	c, err := cg.tokens.OpenCode(q.tenant, value, q.now)
	if c == nil {
		return invalidGrant(ctx, err.Error())
	}
	// The client first: what another client presents must not harm the code's owner.
	if c.ClientID != q.client.ClientID {
		return invalidGrant(ctx, "another client's code")
	}
	q.code = c
	if c.ActorID != "" && !q.tenant.Settings.SignInAs.Enabled {
		return invalidGrant(ctx, "administrators don't sign in as users of the tenant any more")
	}
	if errors.Is(err, tokens.ErrCodeExpired) || q.client.FAPI2() && q.now.Sub(c.IssuedAt) > fapiCode {
		return cg.expired(ctx, q)
	}
	if err != nil {
		return invalidGrant(ctx, err.Error())
	}
	if q.form.Get("redirect_uri") != c.RedirectURI {
		return invalidGrant(ctx, "redirect_uri is not that of the authorization request")
	}
	if err := checkCodeKey(ctx, q); err != nil {
		return err
	}
	if err := verifyPKCE(c.CodeChallenge, q.form.Get("code_verifier")); err != nil {
		return cg.burn(ctx, q, err)
	}
	return q.narrow(c.Audience)
}

// expired refuses a code for its age. If it was redeemed in time, there is a copy of it: what it gave
// dies, however late that shows (RFC 9700 section 4.5).
func (cg *codeGrant) expired(ctx context.Context, q *tokenRequest) error {
	ended := storage.GrantFilter{CodeID: q.code.ID}
	ch := oauth.Revocation(ctx, q.tenant.ID, ended, "code reused", codeEvent(q, storage.EventCodeReused))
	if err := cg.store.Apply(ctx, ch); err != nil {
		return fmt.Errorf("revoke by expired code: %w", err)
	}
	return invalidGrant(ctx, tokens.ErrCodeExpired.Error())
}

// burn spends a code that came without the verifier it needs, so that it cannot be tried again, with a
// guess or with none (RFC 9700 section 4.8.2; fosite's own handler keeps such codes alive). No token
// names the grant that is made for it, and it is revoked at once.
func (cg *codeGrant) burn(ctx context.Context, q *tokenRequest, cause error) error {
	g := cg.newGrant(q)
	_, err := cg.store.RedeemCode(ctx, g, nil)
	if err == nil {
		err = cg.store.Apply(ctx, storage.Change{TenantID: q.tenant.ID, UserID: g.UserID, Now: q.now,
			Revoke: []storage.Revocation{{GrantFilter: storage.GrantFilter{ID: g.ID}, Why: "code burnt"}}})
	}
	if err != nil && !errors.Is(err, storage.ErrExists) && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("burn code: %w", err)
	}
	cg.misused(ctx, q, storage.EventCodeBurnt)
	return invalidGrant(ctx, cause.Error())
}

// issue redeems the code and writes its tokens. What the tokens need is fetched first, so that
// nothing that can fail comes after the INSERT: an error there would cost the user a sign-in.
func (cg *codeGrant) issue(ctx context.Context, q *tokenRequest, answer fosite.AccessResponder) error {
	g := cg.newGrant(q)
	keys, err := cg.fetchKeys(ctx, q, slices.Contains(g.Scopes, "openid"))
	if err != nil {
		return err
	}
	subject := &claims.Subject{Tenant: &q.tenant.Tenant, Client: q.client}
	if err := cg.tokens.ReadIdentities(ctx, subject, g.UserID); err != nil {
		return err
	}
	if err := cg.proofs.Spend(ctx, q.proof); err != nil {
		return err
	}
	if subject.User, err = cg.redeem(ctx, q, g); err != nil {
		return err
	}
	bindRefresh(q)
	subject.Belonging = q.belonging
	if err := admit(ctx, cg.store, q, &g, subject.User); err != nil {
		return err
	}
	of := q.of(&g, subject, g.Scopes)
	of.nonce = q.code.Nonce
	if err = cg.write(ctx, answer, q, keys, of); err != nil {
		return err
	}
	cg.unprotected.name(ctx, q)
	return nil
}

// redeem stores the grant and returns its user, unless the code was used before or what it rests on is
// gone.
func (cg *codeGrant) redeem(ctx context.Context, q *tokenRequest, g storage.Grant) (*storage.User, error) {
	user, err := cg.store.RedeemCode(ctx, g, q.ask())
	switch {
	case errors.Is(err, storage.ErrExists):
		cg.misused(ctx, q, storage.EventCodeReused)
		return nil, invalidGrant(ctx, "the code was used before")
	case errors.Is(err, storage.ErrNotFound):
		return nil, invalidGrant(ctx, "the user, the session, the consent or the client is gone")
	case err != nil:
		return nil, fmt.Errorf("redeem code: %w", err)
	}
	return &user, nil
}

// newGrant returns the grant that the code stands for.
func (cg *codeGrant) newGrant(q *tokenRequest) storage.Grant {
	c := q.code
	g := storage.Grant{
		TenantID: q.tenant.ID, ID: uuid.Must(uuid.NewV7()).String(), CodeID: c.ID,
		UserID: c.UserID, ClientID: c.ClientID, SessionID: c.SessionID,
		Offline:           slices.Contains(c.Scopes, "offline_access"),
		Consented:         !q.client.FirstParty || q.device, // users are asked about every device
		CredentialVersion: c.CredentialVersion,
		Scopes:            c.Scopes, Audience: c.Audience, Claims: c.Claims,
		AuthTime: c.AuthTime, AMR: c.AMR, ACR: c.ACR, CreatedAt: q.now,
		ExpiresAt: q.now.Add(cg.tokens.AccessTokenLifetime(
			q.tenant, q.client, c.Scopes, tokens.Audience(q.tenant, q.client, c.Audience))),
	}
	if (q.client.Outside != nil || q.device) && g.Offline {
		g.SessionID = "" // it stays connected until the user removes it, whatever the user signs out of
	}
	if g.ActorID = c.ActorID; g.ActorID != "" { // no refresh token, and nothing lasts longer than the session
		if until := time.Unix(c.Until, 0); until.Before(g.ExpiresAt) {
			g.ExpiresAt = until
		}
		return g
	}
	if q.client.MayUse("refresh_token") {
		g.Generation, g.RotatedAt = 1, q.now
		g.IdleExpiresAt = q.now.Add(q.client.RefreshTokenIdleLifetime.Or(cg.idleLifetime))
		g.ExpiresAt = q.now.Add(q.client.RefreshTokenLifetime.Or(cg.lifetime))
	}
	return g
}

// onRecord bounds what one code can put on record while it lives.
var onRecord = limit.Rule{Name: "code-on-record", Max: 1, Window: 15 * time.Minute}

// misused puts on record what was done with the code, once: a client that has a spent code can present
// it as often as it likes, and the trail is kept for good.
func (cg *codeGrant) misused(ctx context.Context, q *tokenRequest, kind string) {
	if _, ok := cg.limits.Allow(ctx, q.tenant.ID, web.RequestOf(ctx).IP, onRecord, kind+q.code.ID); !ok {
		return
	}
	cg.observe(ctx, codeEvent(q, kind))
}

// codeEvent returns what the client did with a user's code.
func codeEvent(q *tokenRequest, kind string) storage.Event {
	e := storage.Event{
		TenantID: q.tenant.ID, Kind: kind, Actor: q.client.ClientID, UserID: q.code.UserID, ClientID: q.client.ClientID,
	}
	e.NameActor(q.code.ActorID)
	return e
}
