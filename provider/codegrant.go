package provider

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// codeGrant gives the tokens of an authorization code (OAuth 2.1 section 4.1.3, OIDC
// Core 3.1.3). The code is sealed, so that everything about it is known before
// storage is asked; one INSERT then redeems it, and the database decides whose it is.
type codeGrant struct{ *Provider }

func (p codeGrant) check(ctx context.Context, s *session) error {
	value := s.form.Get("code")
	if value == "" {
		return fosite.ErrInvalidRequest.WithDescription("code is missing.")
	}
	c, err := p.tokens.OpenCode(s.tenant, value, s.now)
	if c == nil {
		return invalidGrant(ctx, err.Error())
	}
	// The client first: what another client presents must not harm the code's owner.
	if c.ClientID != s.client.ClientID {
		return invalidGrant(ctx, "another client's code")
	}
	s.code = c
	if errors.Is(err, tokens.ErrCodeExpired) {
		return p.expired(ctx, s)
	}
	if err != nil {
		return invalidGrant(ctx, err.Error())
	}
	if s.form.Get("redirect_uri") != c.RedirectURI {
		return invalidGrant(ctx, "redirect_uri is not that of the authorization request")
	}
	if err := verifyPKCE(c.Challenge, s.form.Get("code_verifier")); err != nil {
		return p.burn(ctx, s, err)
	}
	return nil
}

// expired refuses a code for its age. If it was redeemed in time, somebody holds a
// copy: what it gave dies, however late that shows (RFC 9700 section 4.5).
func (p codeGrant) expired(ctx context.Context, s *session) error {
	e := storage.Event{Kind: storage.EventCodeReused, Actor: s.client.ClientID, UserID: s.code.UserID, ClientID: s.client.ClientID}
	if err := p.Store.Apply(ctx, oauth.Revocation(ctx, s.tenant.ID, storage.GrantFilter{CodeID: s.code.ID}, "code reused", e)); err != nil {
		return fmt.Errorf("revoke by expired code: %w", err)
	}
	return invalidGrant(ctx, tokens.ErrCodeExpired.Error())
}

// burn spends a code that came without the verifier it needs, so that it cannot be
// tried again, with a guess or with none (RFC 9700 section 4.8.2; fosite kept such
// codes alive). No token names the grant that is made for it, and it is revoked at once.
func (p codeGrant) burn(ctx context.Context, s *session, cause error) error {
	g := p.newGrant(s)
	_, err := p.Store.RedeemCode(ctx, g)
	if err == nil {
		err = p.Store.Apply(ctx, storage.Change{TenantID: s.tenant.ID, UserID: g.UserID, Now: s.now,
			Revoke: []storage.Revocation{{GrantFilter: storage.GrantFilter{ID: g.ID}, Why: "code burnt"}}})
	}
	if err != nil && !errors.Is(err, storage.ErrExists) && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("burn code: %w", err)
	}
	p.misused(ctx, s, storage.EventCodeBurnt)
	return invalidGrant(ctx, cause.Error())
}

// issue redeems the code and gives its tokens. The keys that will sign are fetched first, so that
// nothing that can fail comes after the INSERT: an error there would cost the user a sign-in.
func (p codeGrant) issue(ctx context.Context, s *session) (*issued, error) {
	c, g := s.code, p.newGrant(s)
	openID := slices.Contains(c.Scopes, "openid")
	keys, err := p.tokenKeys(ctx, s, openID)
	if err != nil {
		return nil, err
	}
	user, err := p.redeem(ctx, s, g)
	if err != nil {
		return nil, err
	}
	out, err := p.grantAccess(s, keys, &g, c.Scopes)
	if err != nil {
		return nil, err
	}
	if openID {
		if out.id, err = p.tokens.IDToken(s.tenant, s.client, keys.id, &g, g.Scopes, user, c.Nonce, out.access, s.now); err != nil {
			return nil, err
		}
	}
	if g.Generation > 0 {
		out.refresh = p.tokens.RefreshToken(s.tenant.ID, g.ID, g.Generation)
	}
	p.nameUnprotected(ctx, s)
	return out, nil
}

// redeem stores the grant and returns its user, unless the code was used before or what it rests
// on is gone.
func (p codeGrant) redeem(ctx context.Context, s *session, g storage.Grant) (*storage.User, error) {
	user, err := p.Store.RedeemCode(ctx, g)
	switch {
	case errors.Is(err, storage.ErrExists):
		p.misused(ctx, s, storage.EventCodeReused)
		return nil, invalidGrant(ctx, "the code was used before")
	case errors.Is(err, storage.ErrNotFound):
		return nil, invalidGrant(ctx, "the person, their session, their consent or the client is gone")
	case err != nil:
		return nil, fmt.Errorf("redeem code: %w", err)
	}
	return &user, nil
}

// newGrant is the grant that the code stands for.
func (p codeGrant) newGrant(s *session) storage.Grant {
	c := s.code
	g := storage.Grant{
		TenantID: s.tenant.ID, ID: uuid.Must(uuid.NewV7()).String(), CodeID: c.ID,
		UserID: c.UserID, ClientID: c.ClientID, SessionID: c.SessionID,
		Offline: slices.Contains(c.Scopes, "offline_access"), Consented: !s.client.FirstParty, CredentialVersion: c.CredentialVersion,
		Scopes: c.Scopes, Audience: c.Audience, Claims: c.Claims,
		AuthTime: c.AuthTime, AMR: c.AMR, ACR: c.ACR, CreatedAt: s.now,
		ExpiresAt: s.now.Add(p.tokens.AccessTokenLifetime(s.client)),
	}
	if s.client.MayUse("refresh_token") {
		g.Generation, g.RotatedAt = 1, s.now
		g.IdleExpiresAt = s.now.Add(s.client.RefreshTokenIdleLifetime.Or(p.RefreshTokenIdleLifetime))
		g.ExpiresAt = s.now.Add(s.client.RefreshTokenLifetime.Or(p.RefreshTokenLifetime))
	}
	return g
}

// onRecord bounds what one code can put on record while it lives.
var onRecord = limit.Rule{Name: "code-on-record", Max: 1, Window: 15 * time.Minute}

// misused puts on record what was done with the code, once: whoever has a spent one can
// present it as often as they like, and the trail is kept for good.
func (p codeGrant) misused(ctx context.Context, s *session, kind string) {
	if _, ok := p.Limits.Allow(ctx, s.tenant.ID, onRecord, kind+s.code.ID); !ok {
		return
	}
	p.observe(ctx, storage.Event{TenantID: s.tenant.ID, Kind: kind, Actor: s.client.ClientID, UserID: s.code.UserID, ClientID: s.client.ClientID})
}

// verifyPKCE checks a verifier against the S256 challenge of the authorization
// request (RFC 7636 section 4.6). A verifier where no challenge was is refused too: the
// client meant to be protected, and somebody took the challenge away (RFC 9700
// section 4.8.2).
func verifyPKCE(challenge, verifier string) error {
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return errors.New("code_verifier without a code_challenge before")
	case len(verifier) < 43 || len(verifier) > 128:
		return errors.New("code_verifier is missing or not of 43 to 128 characters")
	case strings.ContainsFunc(verifier, func(r rune) bool { return !unreserved(r) }):
		return errors.New("code_verifier has characters that are not allowed")
	}
	sum := sha256.Sum256([]byte(verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) != 1 {
		return errors.New("code_verifier does not match")
	}
	return nil
}

// unreserved are the characters of RFC 3986 section 2.3.
func unreserved(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r)
}
