package token

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// OfSession returns the tokens of a session: what the code of an authorization in that session would
// have given the client. scope is what is asked for; "" is all that the client is registered for, but
// for offline_access, which outlives the session.
func (s *Server) OfSession(
	ctx context.Context, c *storage.Client, sess storage.Session, scope string,
) (storage.Tokens, error) {
	scopes, err := AppScopes(c, scope)
	if err != nil {
		return storage.Tokens{}, err
	}
	q := appRequest(ctx, c)
	scopes = slices.DeleteFunc(scopes, func(s string) bool { return !q.tenant.Settings.AdmitsScope(c, s) })
	q.code = &tokens.Code{
		ClientID: c.ClientID, Scopes: scopes, Audience: c.Audience,
		UserID: sess.UserID, SessionID: sess.ID, CredentialVersion: sess.CredentialVersion,
		AuthTime: sess.AuthTime, AMR: sess.AMR, ACR: sess.ACR,
	}
	q.code.NameActor(sess)
	return issued(ctx, s.codes, q)
}

// Grant redeems the authorization code of a form for a client that is part of the server, and makes no tokens.
func (s *Server) Grant(ctx context.Context, c *storage.Client, form url.Values) (storage.Grant, error) {
	q := appRequest(ctx, c)
	q.form = form
	if err := s.codes.check(ctx, q); err != nil {
		return storage.Grant{}, err
	}
	g := s.codes.newGrant(q)
	user, err := s.codes.redeem(ctx, q, g)
	if err != nil {
		return storage.Grant{}, err
	}
	return g, admit(ctx, s.codes.store, q, &g, user)
}

// Refresh returns new tokens for a refresh token of the client, as the endpoint does.
func (s *Server) Refresh(ctx context.Context, c *storage.Client, token, scope string) (storage.Tokens, error) {
	if !c.MayUse("refresh_token") {
		return storage.Tokens{}, fosite.ErrUnauthorizedClient.WithDescription(
			"The client is not registered for refresh_token.",
		)
	}
	q := appRequest(ctx, c)
	q.form = url.Values{"refresh_token": {token}, "scope": {scope}}
	if c.BoundTokens() {
		return storage.Tokens{}, errNotForApps
	}
	if err := s.refreshes.check(ctx, q); err != nil {
		return storage.Tokens{}, err
	}
	return issued(ctx, s.refreshes, q)
}

// AppScopes returns the scopes that an app gets when it asks for scope.
func AppScopes(c *storage.Client, scope string) ([]string, error) {
	if c.BoundTokens() {
		return nil, errNotForApps
	}
	scopes := oauth.AskedScopes(c, scope)
	for _, s := range scopes {
		if !slices.Contains(c.Scopes(), s) {
			return nil, fosite.ErrInvalidScope.WithDescription(
				"The client may not ask for one of the scopes; see scope in its registration.",
			)
		}
	}
	if len(scopes) == 0 {
		scopes = slices.DeleteFunc(c.Scopes(), func(s string) bool { return s == "offline_access" })
	}
	return scopes, nil
}

// appRequest returns a token request of a client that has been authenticated.
func appRequest(ctx context.Context, c *storage.Client) *tokenRequest {
	return &tokenRequest{tenant: web.TenantOf(ctx), client: c, app: true, now: time.Now()}
}

// issued returns the tokens of a request that was checked.
func issued(ctx context.Context, g grant, q *tokenRequest) (storage.Tokens, error) {
	answer := fosite.NewAccessResponse()
	if err := g.issue(ctx, q, answer); err != nil {
		return storage.Tokens{}, err
	}
	return tokensOf(answer), nil
}
