package token

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
)

// clientCredentialsGrant gives a client tokens for itself (RFC 6749 section 4.4): no user, no grant, no
// refresh token, and nothing stored. Such a token is revoked by its jti.
type clientCredentialsGrant struct {
	tokens *tokens.Maker
	proofs *dpop.Checker
}

// check settles the scopes: those that were asked for, or all that the client is registered for. Scopes about a user
// are refused, because there is none.
func (cc *clientCredentialsGrant) check(_ context.Context, q *tokenRequest) error {
	if q.client.Public() {
		return fosite.ErrUnauthorizedClient.WithDescription("A public client can't use this grant type. It needs a " +
			"client that authenticates.")
	}
	for _, scope := range q.client.Scopes() {
		if !slices.Contains(clients.Scopes, scope) && q.tenant.Settings.AdmitsScope(q.client, scope) {
			q.scopes = append(q.scopes, scope)
		}
	}
	asked := strings.Fields(q.form.Get("scope"))
	for _, scope := range asked {
		// The scopes about a user (openid, offline_access, …) are among those refused: there is none here.
		if !slices.Contains(q.scopes, scope) {
			return fosite.ErrInvalidScope.WithDescription(
				"A scope that was asked for cannot be given to this client for itself.",
			)
		}
	}
	if len(asked) > 0 {
		q.scopes = slices.Compact(slices.Sorted(slices.Values(asked)))
	}
	var err error
	if q.audience, err = tokens.Resources(q.tenant, q.client, q.form["resource"]); len(q.audience) > 0 {
		q.scopes = tokens.ScopesAt(q.tenant, q.audience, q.scopes)
	}
	return err
}

// issue signs an access token of which the client is the subject, and stores nothing.
func (cc *clientCredentialsGrant) issue(ctx context.Context, q *tokenRequest, answer fosite.AccessResponder) error {
	key, err := cc.tokens.AccessTokenKey(ctx, q.tenant, q.client)
	if err != nil {
		return err
	}
	subject := &claims.Subject{Tenant: &q.tenant.Tenant, Client: q.client}
	if err := cc.tokens.ReadClientRoles(ctx, subject, q.client.ClientID); err != nil {
		return err
	}
	audience := tokens.Audience(q.tenant, q.client, q.audience)
	expires := q.now.Add(cc.tokens.AccessTokenLifetime(q.tenant, q.client, q.scopes, audience))
	if !q.until.IsZero() && q.until.Before(expires) {
		expires = q.until
	}
	all := &tokens.AccessClaims{
		Issuer: q.tenant.Issuer, Audience: audience,
		// RFC 9068 section 2.2. It is never a user's sub: those are UUIDs, which clients' ids may not be
		// (RFC 9700 section 4.15).
		Subject: q.client.ClientID, ClientID: q.client.ClientID,
		JTI: rand.Text(), Scope: strings.Join(q.scopes, " "),
		IssuedAt: q.now.Unix(), ExpiresAt: expires.Unix(),
	}
	all.Confirmation, all.MayAct = q.bound(), tokens.MayActOf(q.client)
	all.Given = subject.Give(claims.Ask{In: claims.InAccessToken, Scopes: q.scopes, Audience: all.Audience})
	tokens.NoteTooLarge(ctx, subject)
	if err := cc.proofs.Spend(ctx, q.proof); err != nil {
		return err
	}
	access, err := cc.tokens.AccessToken(q.tenant, q.client, key, all)
	if err != nil {
		return err
	}
	writeAccess(answer, access, all, q.scopes)
	return nil
}
