package provider

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
)

// clientCredentialsGrant gives a client tokens for itself (RFC 6749 section 4.4): no
// person, no grant, no refresh token, and nothing stored. Such a token is revoked by
// its jti.
type clientCredentialsGrant struct{ *Provider }

func (p clientCredentialsGrant) check(_ context.Context, s *session) error {
	if s.client.Public() {
		return fosite.ErrUnauthorizedClient.WithDescription("A client without credentials cannot use this grant type.")
	}
	for _, scope := range s.client.Scopes() {
		if !slices.Contains(clients.Scopes, scope) {
			s.scopes = append(s.scopes, scope)
		}
	}
	asked := strings.Fields(s.form.Get("scope"))
	for _, scope := range asked {
		// The scopes about a person (openid, offline_access, …) are among those refused:
		// there is none here.
		if !slices.Contains(s.scopes, scope) {
			return fosite.ErrInvalidScope.WithDescription("A scope that was asked for cannot be given to this client for itself.")
		}
	}
	if len(asked) > 0 {
		s.scopes = slices.Compact(slices.Sorted(slices.Values(asked)))
	}
	return nil
}

func (p clientCredentialsGrant) issue(ctx context.Context, s *session) (*issued, error) {
	key, err := p.tokens.AccessTokenKey(ctx, s.tenant, s.client)
	if err != nil {
		return nil, err
	}
	claims := &tokens.AccessClaims{
		Issuer: s.tenant.Issuer, Audience: tokens.Audience(s.tenant, s.client, nil),
		// RFC 9068 section 2.2. It is never a person's sub: those are UUIDs, which clients'
		// ids may not be (RFC 9700 section 4.15).
		Subject: s.client.ClientID, ClientID: s.client.ClientID,
		JTI: rand.Text(), Scope: strings.Join(s.scopes, " "),
		IssuedAt: s.now.Unix(), ExpiresAt: s.now.Add(p.tokens.AccessTokenLifetime(s.client)).Unix(),
	}
	access, err := p.tokens.AccessToken(s.tenant, s.client, key, claims)
	if err != nil {
		return nil, err
	}
	return &issued{access: access, expires: claims.Lifetime(), scopes: s.scopes}, nil
}
