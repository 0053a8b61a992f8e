package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// shownToken is fosite's session of a request that shows a token: who asks, and what IntrospectToken found
// out about the token. It lives as long as the request and is never stored.
type shownToken struct {
	oauth.Unstored
	asks *storage.Client // the client that asks about the token; nil where the token is the credential
	now  time.Time       // one for the whole request
	ends time.Time       // when the token expires

	claims  *tokens.AccessClaims  // of an access token; nil for a refresh token
	subject *claims.Subject       // what rules read; the client is the token's. nil for a refresh token
	grant   storage.Grant         // empty for a token that a client got for itself
	user    storage.User          // the grant's
	key     *storage.PresentedKey // the API key that it is, or was given for; nil for none
	names   pairwise.Names        // by what the client of a refresh token knows users
	bound   *tokens.Confirmation  // the key that a refresh token is bound to; nil for none
}

// GetExpiresAt returns when the token expires.
func (t *shownToken) GetExpiresAt(fosite.TokenType) time.Time { return t.ends }

// GetUsername returns the name with which the token's user signs in.
func (t *shownToken) GetUsername() string { return t.user.Username }

// GetSubject returns what the token's client knows its user by, or the id of the client that got the token for itself.
func (t *shownToken) GetSubject() string {
	if t.claims != nil {
		return t.claims.Subject
	}
	return t.names.User(t.grant.UserID)
}

// IntrospectToken implements fosite.TokenIntrospector. It finds out whether a token works, and leaves
// what the token stands for in the request and its session. The error is fosite.ErrInactiveToken,
// with the reason inside, for a token that does not work or is none of the asking client's business.
func (s *Server) IntrospectToken(
	ctx context.Context, value string, use fosite.TokenUse, r fosite.AccessRequester, scopes []string,
) (fosite.TokenUse, error) {
	t, request := web.TenantOf(ctx), r.(*fosite.AccessRequest) // fosite makes it, with an empty DefaultClient
	look, is := s.findAccess, fosite.AccessToken
	if use != fosite.AccessToken && strings.HasPrefix(value, tokens.RefreshPrefix) {
		look, is = s.findRefresh, fosite.RefreshToken
	}
	err := look(ctx, t, request, value, scopes)
	switch {
	case errors.Is(err, jws.ErrInvalid), errors.Is(err, storage.ErrNotFound):
		return "", fosite.ErrInactiveToken.WithWrap(err)
	case oauth.Refusal(err) != nil:
		return "", err
	case err != nil:
		return "", fosite.ErrServerError.WithWrap(fmt.Errorf("look at token: %w", err))
	}
	return is, nil
}

// findAccess looks at an access token: one signature, one read.
func (s *Server) findAccess(
	ctx context.Context, t *issuer.Tenant, r *fosite.AccessRequest, value string, scopes []string,
) error {
	token := r.Session.(*shownToken)
	read, err := s.openAccess(ctx, t, token, value)
	if err != nil {
		return err
	}
	if asks := token.asks; asks != nil && !mayAsk(asks, read) {
		return fmt.Errorf("%w: it is none of %s's", jws.ErrInvalid, asks.ClientID)
	}
	if err := s.settleKey(ctx, t, token, read); err != nil {
		return err
	}
	granted := strings.Fields(read.Scope)
	for _, scope := range scopes {
		if !slices.Contains(granted, scope) {
			return oauth.ErrInsufficientScope.WithDescription("The access token doesn't have the scope " + scope + ".")
		}
	}
	if err := s.tokenLives(ctx, t, token, read, value); err != nil {
		return err
	}
	token.claims, token.ends = read, time.Unix(read.ExpiresAt, 0)
	r.ID, r.RequestedAt = read.JTI, time.Unix(read.IssuedAt, 0)
	r.GrantedScope, r.GrantedAudience = granted, read.Audience
	r.Client.(*fosite.DefaultClient).ID = read.ClientID
	return nil
}

// tokenLives returns an error unless all lives that the token depends on.
func (s *Server) tokenLives(
	ctx context.Context, t *issuer.Tenant, token *shownToken, read *tokens.AccessClaims, value string,
) error {
	if oauth.IsAPIKey(value) {
		return nil // it was read from the database
	}
	if err := s.originLives(ctx, t, read); err != nil {
		return err
	}
	if token.key != nil {
		return s.ownTokenLives(ctx, t, read)
	}
	if err := s.findClient(ctx, t, token, read.ClientID); err != nil {
		return err
	}
	if read.GrantID == "" {
		return s.ownTokenLives(ctx, t, read)
	}
	return s.grantLives(ctx, t, token, read)
}

// findClient finds the token's client, whose rules say what is read beside the grant. The error is
// storage.ErrNotFound if the client is disabled or gone.
func (s *Server) findClient(ctx context.Context, t *issuer.Tenant, token *shownToken, id string) (err error) {
	c := token.asks
	if c == nil || c.ClientID != id {
		if c, err = s.Clients.Enabled(ctx, t.ID, id); err != nil {
			return err
		}
	}
	token.subject = &claims.Subject{Tenant: &t.Tenant, Client: c}
	return nil
}

// mayAsk reports whether a client may learn about an access token: its own client, one that the token is
// for, or one that may introspect.
func mayAsk(c *storage.Client, read *tokens.AccessClaims) bool {
	return c.ClientID == read.ClientID || c.MayIntrospect || slices.Contains(read.Audience, c.ClientID)
}

// grantLives reads the grant of an access token, and its user, if both the grant and the token live.
func (s *Server) grantLives(
	ctx context.Context, t *issuer.Tenant, token *shownToken, read *tokens.AccessClaims,
) (err error) {
	if token.subject.Rules().NeedBelonging() {
		token.subject.Belonging = &storage.Belonging{}
	}
	also := token.subject.Belonging
	token.grant, token.user, err = s.Store.LiveGrant(ctx, t.ID, read.GrantID, read.JTI, token.now, also)
	if err != nil {
		return err
	}
	user, err := s.Tokens.IDOf(ctx, t, read.Subject)
	if err == nil && (token.grant.UserID != user || token.grant.ClientID != read.FirstClient()) {
		err = fmt.Errorf("%w: it names another's grant", jws.ErrInvalid)
	}
	token.subject.User = &token.user
	return err
}

// ownTokenLives says whether a token that a client got for itself still counts: there is
// no grant that could be revoked, only the token or the client.
func (s *Server) ownTokenLives(ctx context.Context, t *issuer.Tenant, read *tokens.AccessClaims) error {
	spent, err := s.Store.IsSpent(ctx, t.ID, storage.SpentAccessToken, read.JTI)
	if err == nil && spent {
		err = fmt.Errorf("%w: it was revoked", jws.ErrInvalid)
	}
	return err
}

// originLives returns an error unless all tokens and clients live that an exchanged token rests on.
func (s *Server) originLives(ctx context.Context, t *issuer.Tenant, read *tokens.AccessClaims) error {
	if read.Origin == nil {
		return nil
	}
	for _, id := range read.Origin.Clients {
		if _, err := s.Clients.Enabled(ctx, t.ID, id); err != nil {
			return err
		}
	}
	for _, jti := range read.Origin.Tokens {
		if spent, err := s.Store.IsSpent(ctx, t.ID, storage.SpentAccessToken, jti); err != nil {
			return err
		} else if spent {
			return fmt.Errorf("%w: a token was revoked that it was given for", jws.ErrInvalid)
		}
	}
	return nil
}

// Living returns what is known of an access token, or of an API key in the place of one, if it works. The error is
// fosite.ErrInactiveToken if it does not, with the reason inside.
func (s *Server) Living(ctx context.Context, value string) (*tokens.Living, error) {
	shown := &shownToken{now: time.Now()}
	if _, _, err := s.Engine.IntrospectToken(ctx, value, fosite.AccessToken, shown); err != nil {
		return nil, err
	}
	l := &tokens.Living{AccessClaims: shown.claims, Client: shown.subject.Client, Grant: shown.grant, Key: shown.key,
		IsKey: oauth.IsAPIKey(value)}
	if shown.user.ID != "" {
		l.User = &shown.user
	}
	return l, nil
}

// findRefresh looks at a refresh token, for its own client alone: a resource server that asks about
// one was sent it in place of an access token.
func (s *Server) findRefresh(
	ctx context.Context, t *issuer.Tenant, r *fosite.AccessRequest, value string, _ []string,
) error {
	token := r.Session.(*shownToken)
	opened, err := s.Tokens.OpenRefreshToken(t.ID, value)
	if err != nil {
		return fmt.Errorf("%w: %v", jws.ErrInvalid, err)
	}
	g, user, err := s.Store.LiveGrant(ctx, t.ID, opened.GrantID, "", token.now, nil)
	if err != nil {
		return err
	}
	ends := g.ExpiresAt
	if !g.IdleExpiresAt.IsZero() && g.IdleExpiresAt.Before(ends) {
		ends = g.IdleExpiresAt
	}
	if token.asks == nil || g.ClientID != token.asks.ClientID || g.Generation != opened.Generation ||
		!token.now.Before(ends) {
		return fmt.Errorf("%w: another client's, rotated or not used for too long", jws.ErrInvalid)
	}
	if token.names, err = s.Tokens.Names(ctx, token.asks); err != nil {
		return err
	}
	token.grant, token.user, token.ends, token.bound = g, user, ends, tokens.BoundTo(opened.JKT, opened.X5T)
	r.ID, r.RequestedAt, r.GrantedScope = g.ID, g.RotatedAt, g.Scopes
	r.Client.(*fosite.DefaultClient).ID = g.ClientID
	return nil
}

// workingToken returns what is known of an access token that a request brings as its credential, sent by its holder,
// and the scopes that the token has; those that are named here it must have. The error is the one that
// RFC 6750 section 3.1 has for tokens that do not work.
func (s *Server) workingToken(
	r *http.Request, brought credential, scopes ...string,
) (*shownToken, fosite.Arguments, error) {
	ctx, token := r.Context(), &shownToken{now: time.Now()}
	_, shown, err := s.Engine.IntrospectToken(ctx, brought.token, fosite.AccessToken, token, scopes...)
	switch {
	case errors.Is(err, fosite.ErrInactiveToken):
		return nil, nil, invalidToken(ctx, errors.Unwrap(err).Error())
	case err != nil:
		return nil, nil, err
	case token.user.ID == "":
		return nil, nil, invalidToken(ctx, "no user's token")
	}
	return token, shown.GetGrantedScopes(), s.checkHolder(r, brought, token.claims)
}
