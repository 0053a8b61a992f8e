package resource

import (
	"context"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// openAccess reads an access token, or an API key in the place of one: an API key is then described by the claims that
// a token of its owner would have. It has no audience, because it is for every API that accepts API keys.
func (s *Server) openAccess(
	ctx context.Context, t *issuer.Tenant, token *shownToken, value string,
) (*tokens.AccessClaims, error) {
	if !oauth.IsAPIKey(value) {
		return s.Tokens.OpenAccessToken(ctx, t, value, token.now)
	}
	k, err := oauth.PresentAPIKey(ctx, s.APIKeys, value)
	if err != nil {
		return nil, err
	}
	token.key = k
	return &tokens.AccessClaims{
		Issuer: t.Issuer, Subject: k.OwnerID(), ClientID: tokens.ClientOfKey(k).ClientID, JTI: k.ID, KeyID: k.ID,
		Scope: strings.Join(k.Scopes, " "), IssuedAt: k.CreatedAt.Unix(), ExpiresAt: k.ExpiresAt.Unix(),
	}, nil
}

// settleKey reads the API key that a token was given for, if there is one, and what rules read of its owner. The token
// loses the scopes that the key's owner may not have any more. The error is storage.ErrNotFound if the key is dead.
func (s *Server) settleKey(ctx context.Context, t *issuer.Tenant, token *shownToken, read *tokens.AccessClaims) error {
	if read.KeyID == "" {
		return nil
	}
	if token.key == nil {
		k, err := s.APIKeys.ByID(ctx, t, read.OfClient(), read.KeyID)
		if err != nil {
			return err
		}
		token.key = &k
	}
	scopes := slices.DeleteFunc(strings.Fields(read.Scope), func(scope string) bool {
		return !slices.Contains(token.key.Scopes, scope)
	})
	read.Scope = strings.Join(scopes, " ")
	c, owner := tokens.ClientOfKey(token.key), read.Subject
	if u := token.key.User; u != nil {
		token.user = *u
	}
	var err error
	if read.Origin != nil {
		if c, err = s.Clients.Enabled(ctx, t.ID, read.ClientID); err != nil {
			return err
		}
		if owner, err = s.Tokens.IDOf(ctx, t, owner); err != nil {
			return err
		}
	}
	if token.subject, err = s.Tokens.SubjectOfKey(ctx, t, c, token.key); err != nil {
		return err
	}
	if owner != token.key.OwnerID() {
		return storage.ErrNotFound
	}
	return nil
}
