package resource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// SignOut ends the session that a token of the app belongs to, and revokes what the app was granted in
// it. A token that is none of the app's ends nothing, which is no error (RFC 7009 section 2.2).
func (s *Server) SignOut(ctx context.Context, app *storage.Client, token string) error {
	id, actor, err := s.grantOf(ctx, token, time.Now())
	if errors.Is(err, jws.ErrInvalid) || errors.Is(err, tokens.ErrRefreshToken) {
		web.Note(ctx, "why", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	g, err := s.Store.Grant(ctx, app.TenantID, id)
	if errors.Is(err, storage.ErrNotFound) || err == nil && g.ClientID != app.ClientID {
		web.Note(ctx, "why", "no grant of this client")
		return nil
	}
	if err != nil {
		return fmt.Errorf("grant of token: %w", err)
	}
	e := storage.Event{
		Kind: storage.EventGrantRevoked, Actor: cmp.Or(actor, g.UserID), UserID: g.UserID, ClientID: app.ClientID,
		Detail: map[string]string{"grant": g.ID},
	}
	e.NameActor(actor)
	ch := oauth.Revocation(ctx, app.TenantID, storage.GrantFilter{ID: g.ID}, "signed out", e)
	if g.SessionID != "" {
		ch.EndSessions = &storage.SessionFilter{IDs: []string{g.SessionID}}
		ch.Revoke[0].GrantFilter = storage.GrantFilter{SessionID: g.SessionID, ClientID: app.ClientID}
	}
	if err := s.Store.Apply(ctx, ch); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// grantOf returns the id of the grant that a refresh or access token names, and that of the administrator who uses
// its session in the place of the user, or "".
func (s *Server) grantOf(ctx context.Context, token string, now time.Time) (id, actor string, err error) {
	t := web.TenantOf(ctx)
	if strings.HasPrefix(token, tokens.RefreshPrefix) {
		opened, err := s.Tokens.OpenRefreshToken(t.ID, token)
		return opened.GrantID, "", err
	}
	claims, err := s.Tokens.OpenAccessToken(ctx, t, token, now)
	if err == nil && claims.GrantID == "" {
		err = fmt.Errorf("%w: no user's token", jws.ErrInvalid)
	}
	if err != nil {
		return "", "", err
	}
	actor, err = s.Tokens.IDOf(ctx, t, claims.Act.ID())
	return claims.GrantID, actor, err
}

// UserOf returns the user that the access token in the request's Authorization header stands for,
// with the grant and its client. The grant is alive. It costs one read.
func (s *Server) UserOf(r *http.Request) (c storage.Client, g storage.Grant, u storage.User, err error) {
	ctx := r.Context()
	brought, err := headerToken(r)
	if err != nil {
		return c, g, u, err
	}
	known, _, err := s.workingToken(r, brought)
	if err == nil && known.claims.Act != nil {
		err = errActing
	}
	if err != nil {
		return c, g, u, err
	}
	g, u = known.grant, known.user
	web.Note(ctx, "client", g.ClientID)
	return *known.subject.Client, g, u, nil
}

// errActing refuses a token where it would change an account, or act for an administrator.
var errActing = oauth.ErrInvalidToken.WithDescription(
	"The access token is used in the place of its user, by an administrator or a client. It can't be used here.")
