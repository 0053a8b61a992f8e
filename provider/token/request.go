package token

import (
	"context"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// tokenRequest is a token request on its way through fosite, which carries it as a fosite.Session: which
// client asks, where, when, and what the grant type's check leaves for its issue. It lives as long as the
// request and is never stored.
type tokenRequest struct {
	oauth.Unstored
	tenant *issuer.Tenant
	client *storage.Client
	form   url.Values
	app    bool       // it is not of the endpoint: the JSON API asks, whose errors say more
	now    time.Time  // one for the whole request
	proof  dpop.Proof // the key that the tokens are bound to, if any
	// presented is the thumbprint of the certificate that the client presents in TLS, and x5t that of the one that the
	// tokens are bound to; "" for none.
	presented, x5t string

	code    *tokens.Code        // authorization_code: what was presented; device_code: what the user allowed
	device  bool                // device_code
	refresh tokens.RefreshToken // refresh_token: what was presented; its JKT is that of the new one, too
	// scopes are those that the tokens will have; refresh_token: those asked for, or nil for all of
	// the grant's.
	scopes []string
	// audience is what was asked for by resource, a part of what was granted; nil for all of it.
	audience []string
	until    time.Time // jwt-bearer: when the assertion ends; the token does, too
	exchange *exchange // token exchange: what the token is made from
	// belonging is what the user belongs to; nil unless it is needed.
	belonging *storage.Belonging
}

// exchange is what a token is made from that is given for another one.
type exchange struct {
	subject *tokens.Living
	actor   string // the client that acts
	origin  *tokens.Origin
	ends    int64  // when the first of the tokens that came expires
	issued  string // the value of issued_token_type
}

// ask returns where storage is to put what the user belongs to, or nil if nothing depends on it: then it is not
// read.
func (q *tokenRequest) ask() *storage.Belonging {
	if len(q.client.Allow.Groups) > 0 || claims.RulesOf(&q.tenant.Tenant, q.client).NeedBelonging() {
		q.belonging = &storage.Belonging{}
	}
	return q.belonging
}

// bound returns the claim cnf of the access token.
func (q *tokenRequest) bound() *tokens.Confirmation { return tokens.BoundTo(q.proof.JKT, q.x5t) }

// narrow reads the parameter resource, which may ask for a part of the granted audience.
func (q *tokenRequest) narrow(granted []string) (err error) {
	if q.form.Has("resource") {
		q.audience, err = tokens.Narrowed(q.wholeAudience(granted), q.form["resource"])
	}
	return err
}

// wholeAudience returns what is left of the granted audience.
func (q *tokenRequest) wholeAudience(granted []string) []string {
	return tokens.Audience(q.tenant, q.client, tokens.StillAllowed(q.tenant, q.client, granted))
}

// of returns what tokens of the grant are made from, with at most these of its scopes.
func (q *tokenRequest) of(g *storage.Grant, subject *claims.Subject, scopes []string) granted {
	if q.audience == nil {
		return granted{grant: g, subject: subject, scopes: scopes, audience: q.wholeAudience(g.Audience)}
	}
	scopes = tokens.ScopesAt(q.tenant, q.audience, scopes)
	return granted{grant: g, subject: subject, scopes: scopes, audience: q.audience}
}

// invalidGrant is the one answer to codes and refresh tokens that do not work: the log alone is told
// which of the many reasons it was.
func invalidGrant(ctx context.Context, why string) error {
	web.Note(ctx, "why", why)
	return fosite.ErrInvalidGrant.WithDescription(
		"The code or token is not valid: unknown, expired, used, revoked, or given to another client, redirect URI or " +
			"verifier.",
	)
}
