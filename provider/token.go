package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// token is the token endpoint (RFC 6749 section 3.2). fosite authenticates the client
// with our strategy and runs the one handler of the grant type; errors pass through it
// as they are, so that a storage that did not answer is seen as that here.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) error {
	form, err := oauth.PostForm(w, r)
	if err != nil {
		return err
	}
	name := form.Get("grant_type")
	if name == "" {
		return fosite.ErrInvalidRequest.WithDescription("grant_type is missing.")
	}
	handler, ok := grantTypes[name]
	if !ok {
		return fosite.ErrUnsupportedGrantType.WithDescription("There is no such grant type here; see grant_types_supported in the discovery document.")
	}
	ctx := withGrantHandler(r.Context(), handler(p))
	s := &session{tenant: web.TenantOf(ctx), now: time.Now()}
	req, err := p.fosite.NewAccessRequest(ctx, r, s)
	if err != nil {
		return err
	}
	if _, err := p.fosite.NewAccessResponse(ctx, req); err != nil {
		return err
	}
	return oauth.WriteJSON(w, http.StatusOK, s.issued.asked())
}

// invalidGrant is the one answer to codes and refresh tokens that do not work: which
// of the many reasons it was is nobody's business but the log's.
func invalidGrant(ctx context.Context, why string) error {
	web.Note(ctx, "why", why)
	return fosite.ErrInvalidGrant.WithDescription("The code or token is not valid: unknown, expired, used, revoked, or given to another client, redirect URI or verifier.")
}

// tokenKeys are what will sign an answer. They are fetched before anything is
// written, after which signing can no longer fail for want of a key.
type tokenKeys struct{ access, id *keys.Key }

func (p *Provider) tokenKeys(ctx context.Context, s *session, idToken bool) (k tokenKeys, err error) {
	if k.access, err = p.tokens.AccessTokenKey(ctx, s.tenant, s.client); err != nil {
		return k, err
	}
	if idToken {
		k.id, err = p.Keys.Signing(ctx, s.tenant.ID, keys.IDTokenAlgorithm(s.client))
	}
	return k, err
}

// grantAccess makes the access token of an answer that g gives.
func (p *Provider) grantAccess(s *session, keys tokenKeys, g *storage.Grant, scopes []string) (*issued, error) {
	claims := p.tokens.GrantClaims(s.tenant, s.client, g, scopes, s.now)
	access, err := p.tokens.AccessToken(s.tenant, s.client, keys.access, claims)
	if err != nil {
		return nil, err
	}
	return &issued{access: access, expires: claims.Lifetime(), scopes: scopes}, nil
}
