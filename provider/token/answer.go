package token

import (
	"context"
	"slices"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signer makes the tokens of grants.
type signer struct {
	tokens *tokens.Maker
	keys   *keys.Ring
	proofs *dpop.Checker
}

// signingKeys are what will sign an answer. They are fetched before anything is written, after which
// signing can no longer fail for want of a key.
type signingKeys struct {
	access, id *keys.Key
	names      pairwise.Names // by what the client knows the user
}

// fetchKeys returns the keys for an access token and, if idToken says so, for an ID token.
func (s signer) fetchKeys(ctx context.Context, q *tokenRequest, idToken bool) (k signingKeys, err error) {
	if k.access, err = s.tokens.AccessTokenKey(ctx, q.tenant, q.client); err != nil {
		return k, err
	}
	if k.names, err = s.tokens.Names(ctx, q.client); err != nil {
		return k, err
	}
	if idToken {
		k.id, err = s.keys.Signing(ctx, q.tenant.ID, keys.IDTokenAlgorithm(q.client))
	}
	return k, err
}

// granted is what an answer is made from.
type granted struct {
	grant   *storage.Grant
	subject *claims.Subject
	nonce   string // for the ID token, or ""
	// scopes and audience are those of these tokens; the grant may have more.
	scopes, audience []string
}

// write writes the tokens of a grant to an answer: an access token, an ID token if openid is among
// the scopes, and a refresh token if the grant has one.
func (s signer) write(
	ctx context.Context, answer fosite.AccessResponder, q *tokenRequest, k signingKeys, of granted,
) error {
	of.subject.Names = k.names
	accessClaims := s.tokens.GrantClaims(q.tenant, of.subject, of.grant, of.scopes, of.audience, q.now)
	accessClaims.Confirmation = q.bound()
	access, err := s.tokens.AccessToken(q.tenant, q.client, k.access, accessClaims)
	if err != nil {
		return err
	}
	writeAccess(answer, access, accessClaims, of.scopes)
	if slices.Contains(of.scopes, "openid") {
		id, err := s.tokens.IDToken(q.tenant, of.subject, k.id, of.grant, of.scopes, of.nonce, access, q.now)
		if err != nil {
			return err
		}
		answer.SetExtra("id_token", id)
	}
	if of.grant.Generation > 0 {
		answer.SetExtra("refresh_token", s.tokens.RefreshToken(q.tenant.ID, tokens.RefreshToken{
			GrantID: of.grant.ID, Generation: of.grant.Generation, JKT: q.refresh.JKT, X5T: q.refresh.X5T}))
	}
	tokens.NoteTooLarge(ctx, of.subject)
	return nil
}

// writeAccess writes an access token to an answer.
func writeAccess(answer fosite.AccessResponder, token string, all *tokens.AccessClaims, scopes []string) {
	answer.SetAccessToken(token)
	answer.SetTokenType(all.Confirmation.Type())
	answer.SetExpiresIn(all.Lifetime())
	answer.SetScopes(scopes)
}

// tokensOf returns an answer as programs read it (RFC 6749 section 5.1).
func tokensOf(answer fosite.AccessResponder) storage.Tokens {
	text := func(name string) string { s, _ := answer.GetExtra(name).(string); return s }
	seconds, _ := answer.GetExtra("expires_in").(int64)
	return storage.Tokens{
		AccessToken: answer.GetAccessToken(), TokenType: answer.GetTokenType(), ExpiresIn: seconds,
		RefreshToken: text("refresh_token"), IDToken: text("id_token"), Scope: text("scope"),
	}
}
