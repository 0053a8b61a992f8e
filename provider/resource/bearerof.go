package resource

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// BearerOf returns what the access token in the request's Authorization header stands for, be it a user's or a
// client's own. The token, its grant and its client are alive. The caller checks the audience.
func (s *Server) BearerOf(r *http.Request) (b storage.Bearer, err error) {
	ctx, t := r.Context(), web.TenantOf(r.Context())
	brought, err := headerToken(r)
	if err != nil {
		return b, err
	}
	token := &shownToken{now: time.Now()}
	_, shown, err := s.Engine.IntrospectToken(ctx, brought.token, fosite.AccessToken, token)
	switch {
	case errors.Is(err, fosite.ErrInactiveToken):
		return b, invalidToken(ctx, errors.Unwrap(err).Error())
	case err != nil:
		return b, err
	case token.claims.Act != nil:
		return b, errActing
	}
	if err := s.checkHolder(r, brought, token.claims); err != nil {
		return b, err
	}
	if k := token.key; k != nil {
		b = storage.Bearer{Client: *token.subject.Client, User: k.User, Subject: token.claims.Subject,
			Scopes: shown.GetGrantedScopes(), Audience: shown.GetGrantedAudience()}
		if oauth.IsAPIKey(brought.token) {
			b.Key = k
		}
		return b, nil
	}
	web.Note(ctx, "client", token.claims.ClientID)
	c, err := s.Clients.Enabled(ctx, t.ID, token.claims.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return b, invalidToken(ctx, "its client is gone")
	}
	if err != nil {
		return b, fmt.Errorf("client: %w", err)
	}
	b = storage.Bearer{Client: *c, Subject: token.claims.Subject, SID: token.claims.SID,
		Scopes: shown.GetGrantedScopes(), Audience: shown.GetGrantedAudience()}
	if token.grant.ID != "" {
		b.User, b.Grant = &token.user, &token.grant
	}
	return b, nil
}
