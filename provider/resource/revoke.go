package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Revoke answers the revocation endpoint (RFC 7009). It makes a token of the client useless: a
// refresh token together with everything that its grant gave, an access token by itself. A token
// that is unknown, expired or another client's is left alone and gets the same answer, so that the
// client cannot learn which of these it was. Only a storage that does not answer is an error: the
// client must know that the token is still valid.
//
// fosite's WriteRevocationResponse would answer 200 in that case, too.
func (s *Server) Revoke(w http.ResponseWriter, r *http.Request) error {
	if _, err := oauth.PostForm(w, r); err != nil {
		return err
	}
	if err := s.Engine.NewRevocationRequest(r.Context(), r); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(http.StatusOK)
	return nil
}

// RevokeToken implements fosite.RevocationHandler.
func (s *Server) RevokeToken(ctx context.Context, token string, _ fosite.TokenType, client fosite.Client) error {
	web.Note(ctx, "client", client.GetID())
	if token == "" {
		return fosite.ErrInvalidRequest.WithDescription("token is missing.")
	}
	end := s.revokeAccess
	if strings.HasPrefix(token, tokens.RefreshPrefix) {
		end = s.revokeRefresh
	}
	if err := end(ctx, client.(oauth.Client).Client, token, time.Now()); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	return nil
}

// revokeRefresh revokes the grant: one conditional UPDATE, which does nothing to a grant
// of another client. A token that was rotated meanwhile will do: its owner wants an end.
func (s *Server) revokeRefresh(ctx context.Context, c *storage.Client, token string, now time.Time) error {
	opened, err := s.Tokens.OpenRefreshToken(c.TenantID, token)
	if err != nil {
		web.Note(ctx, "why", err.Error())
		return nil
	}
	id := opened.GrantID
	e := storage.Event{Kind: storage.EventGrantRevoked, Actor: c.ClientID, ClientID: c.ClientID,
		Detail: map[string]string{"grant": id}}
	return s.Store.Apply(ctx, oauth.Revocation(ctx, c.TenantID, storage.GrantFilter{ID: id, ClientID: c.ClientID},
		"revoked by the client", e))
}

// revokeAccess remembers the token's jti until it has expired.
func (s *Server) revokeAccess(ctx context.Context, c *storage.Client, token string, now time.Time) error {
	t := web.TenantOf(ctx)
	claims, err := s.Tokens.OpenAccessToken(ctx, t, token, now)
	if err == nil && claims.ClientID != c.ClientID {
		err = fmt.Errorf("%w: another client's", jws.ErrInvalid)
	}
	if errors.Is(err, jws.ErrInvalid) {
		web.Note(ctx, "why", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	person, actor := "", ""
	if claims.GrantID != "" { // otherwise it was the client's own
		if person, err = s.Tokens.IDOf(ctx, t, claims.Subject); err == nil {
			actor, err = s.Tokens.IDOf(ctx, t, claims.Act.ID())
		}
		if err != nil {
			return err
		}
	}
	e := storage.Event{
		TenantID: c.TenantID, Kind: storage.EventTokenRevoked, Actor: c.ClientID, UserID: person, ClientID: c.ClientID,
		Detail: map[string]string{"jti": claims.JTI},
	}
	e.NameActor(actor)
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: c.TenantID, UserID: person, Now: now,
		Spend: []storage.Spent{{TenantID: c.TenantID, Purpose: storage.SpentAccessToken, Value: claims.JTI,
			ExpiresAt: time.Unix(claims.ExpiresAt, 0)}},
		Events: []storage.Event{oauth.Event(ctx, e)},
	})
	if errors.Is(err, storage.ErrStale) {
		return nil // it was revoked before
	}
	return err
}
