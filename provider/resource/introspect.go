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

	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// introspection is what is said of a token (RFC 7662 section 2.2). Of one that does not
// work, or is none of the caller's business, nothing is said but that.
type introspection struct {
	Active    bool     `json:"active"`
	TokenType string   `json:"token_type,omitempty"` // "" for refresh tokens: nobody may take one for an access token
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Username  string   `json:"username,omitempty"` // with the scope profile only
	Issuer    string   `json:"iss,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	JTI       string   `json:"jti,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	ExpiresAt int64    `json:"exp,omitempty"`
	SID       string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
}

// Introspect tells a client whether a token works (RFC 7662): the token's own client, one
// that the token is for, or one that may introspect. The hint is not needed: a token
// says itself what it is.
func (s *Server) Introspect(w http.ResponseWriter, r *http.Request) error {
	form, err := oauth.PostForm(w, r)
	if err != nil {
		return err
	}
	ctx, t := r.Context(), web.TenantOf(r.Context())
	client, err := s.Auth.Client(r, form)
	if err != nil {
		return err
	}
	if client.Public() {
		// Everybody can say that they are a client that has no credentials.
		return fosite.ErrInvalidClient.WithDescription("Introspection needs a client that can authenticate.")
	}
	token := form.Get("token")
	if token == "" {
		return fosite.ErrInvalidRequest.WithDescription("token is missing.")
	}
	look := s.introspectAccess
	if strings.HasPrefix(token, tokens.RefreshPrefix) {
		look = s.introspectRefresh
	}
	found, err := look(ctx, t, client, token, time.Now())
	if errors.Is(err, jws.ErrInvalid) || errors.Is(err, storage.ErrNotFound) {
		web.Note(ctx, "why", err.Error())
		return oauth.WriteJSON(w, http.StatusOK, introspection{})
	}
	if err != nil {
		return fmt.Errorf("introspect: %w", err)
	}
	return oauth.WriteJSON(w, http.StatusOK, found)
}

// introspectAccess looks at an access token: one signature, one read. Its errors are
// jws.ErrInvalid or storage.ErrNotFound for a token that does not work here.
func (s *Server) introspectAccess(ctx context.Context, t *web.Tenant, asks *storage.Client, token string, now time.Time) (*introspection, error) {
	claims, err := s.Tokens.OpenAccessToken(ctx, t, token, now)
	if err != nil {
		return nil, err
	}
	if asks.ClientID != claims.ClientID && !asks.MayIntrospect && !slices.Contains(claims.Audience, asks.ClientID) {
		return nil, fmt.Errorf("%w: it is none of %s's", jws.ErrInvalid, asks.ClientID)
	}
	found := &introspection{
		Active: true, TokenType: "Bearer", Scope: claims.Scope, ClientID: claims.ClientID,
		Issuer: claims.Issuer, Subject: claims.Subject, Audience: claims.Audience, JTI: claims.JTI,
		IssuedAt: claims.IssuedAt, ExpiresAt: claims.ExpiresAt,
		SID: claims.SID, AuthTime: claims.AuthTime, ACR: claims.ACR, AMR: claims.AMR,
	}
	if claims.GrantID == "" {
		return found, s.ownTokenLives(ctx, t, claims)
	}
	_, user, err := s.Store.LiveGrant(ctx, t.ID, claims.GrantID, claims.JTI, now)
	if err != nil {
		return nil, err
	}
	if slices.Contains(strings.Fields(claims.Scope), "profile") {
		found.Username = user.Username
	}
	return found, nil
}

// ownTokenLives says whether a token that a client got for itself still counts: there is
// no grant that could be revoked, only the token or the client.
func (s *Server) ownTokenLives(ctx context.Context, t *web.Tenant, claims *tokens.AccessClaims) error {
	if _, err := s.Clients.Enabled(ctx, t.ID, claims.ClientID); err != nil {
		return err
	}
	spent, err := s.Store.IsSpent(ctx, t.ID, storage.SpentAccessToken, claims.JTI)
	if err == nil && spent {
		err = fmt.Errorf("%w: it was revoked", jws.ErrInvalid)
	}
	return err
}

// introspectRefresh looks at a refresh token, for its own client alone: a resource server
// that asks about one was sent it in place of an access token.
func (s *Server) introspectRefresh(ctx context.Context, t *web.Tenant, asks *storage.Client, token string, now time.Time) (*introspection, error) {
	id, generation, err := s.Tokens.OpenRefreshToken(t.ID, token)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", jws.ErrInvalid, err)
	}
	g, _, err := s.Store.LiveGrant(ctx, t.ID, id, "", now)
	if err != nil {
		return nil, err
	}
	ends := g.ExpiresAt
	if !g.IdleExpiresAt.IsZero() && g.IdleExpiresAt.Before(ends) {
		ends = g.IdleExpiresAt
	}
	if g.ClientID != asks.ClientID || g.Generation != generation || !now.Before(ends) {
		return nil, fmt.Errorf("%w: another client's, rotated or not used for too long", jws.ErrInvalid)
	}
	return &introspection{
		Active: true, Scope: strings.Join(g.Scopes, " "), ClientID: g.ClientID, Issuer: t.Issuer,
		Subject: g.UserID, IssuedAt: g.RotatedAt.Unix(), ExpiresAt: ends.Unix(), SID: g.SessionID,
	}, nil
}
