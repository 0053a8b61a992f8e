package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/authorize"
	"github.com/vouchsafe/vouchsafe/provider/clientauth"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/resource"
	"github.com/vouchsafe/vouchsafe/provider/token"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Apps is the protocol's part of the JSON API: which app asks, and what it gets. Its errors are
// web.Problems with the codes of OAuth.
type Apps struct {
	auth      *clientauth.Authenticator
	authorize *authorize.Server
	token     *token.Server
	resource  *resource.Server
	proofs    *dpop.Checker
	cors      func(h http.Handler, more ...string) http.Handler
}

// Apps returns the protocol's part of the JSON API.
func (p *Provider) Apps() Apps {
	return Apps{p.auth, p.authorize, p.token, p.resource, p.proofs, p.withCORS}
}

// LogoutToken returns the token that tells a client of the tenant that a session has ended (OpenID Connect Back-Channel
// Logout 1.0 section 2.4).
func (p *Provider) LogoutToken(
	ctx context.Context, t *issuer.Tenant, c *storage.Client, l storage.Logout,
) (string, error) {
	return p.tokens.LogoutToken(ctx, t, c, l, time.Now())
}

// App returns the first-party client that a request comes from. The client authenticates as at /token; form
// holds the parameters of client authentication that came in the body. Its errors are invalid_client, and
// unauthorized_client for a client that is not first-party.
func (a Apps) App(r *http.Request, form url.Values) (storage.Client, error) {
	c, err := a.auth.Authenticate(r.Context(), r, form, clients.AuthMethods)
	if err != nil {
		return storage.Client{}, appProblem(err)
	}
	web.Note(r.Context(), "client", c.ClientID)
	return *c, appProblem(requireFirstParty(c))
}

// requireFirstParty returns unauthorized_client for a client that may not sign users in by itself.
func requireFirstParty(c *storage.Client) error {
	if c.FirstParty && c.MayUse(clients.FirstPartyGrant) {
		return nil
	}
	return fosite.ErrUnauthorizedClient.WithDescription(
		"This client can't sign users in by itself. Set first_party and add the grant type " +
			clients.FirstPartyGrant + ".",
	)
}

// appProblem returns an error of the protocol as package login shows it, with the code of OAuth and with how long to
// wait. It returns any other error as it is.
func appProblem(err error) error {
	e := oauth.Refusal(err)
	if e == nil {
		return err
	}
	var wait oauth.Wait
	errors.As(e, &wait)
	return &web.Problem{
		Status: e.CodeField, Code: e.ErrorField, Program: oauth.Description(e),
		RetryAfter: time.Duration(wait), Err: e.Unwrap(),
	}
}

// Tokens returns the tokens of a session, which are those that an authorization code of that session would
// give. scope is what is asked for; "" is all that the client is registered for, but for offline_access.
func (a Apps) Tokens(
	ctx context.Context, app storage.Client, sess storage.Session, scope string,
) (storage.Tokens, error) {
	t, err := a.token.OfSession(ctx, &app, sess, scope)
	return t, appProblem(err)
}

// CheckScope returns invalid_scope for a scope that the app may not ask for. Callers check it first, so that no user
// types a password in vain.
func (a Apps) CheckScope(app storage.Client, scope string) error {
	_, err := token.AppScopes(&app, scope)
	return appProblem(err)
}

// Refresh returns new tokens for a refresh token of the app, as /token does. Its error is invalid_grant if the token
// is not valid, or was used before.
func (a Apps) Refresh(
	ctx context.Context, app storage.Client, refreshToken, scope string,
) (storage.Tokens, error) {
	t, err := a.token.Refresh(ctx, &app, refreshToken, scope)
	return t, appProblem(err)
}

// Form reads the form that an app posted, as /token does.
func (a Apps) Form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	form, err := oauth.PostForm(w, r)
	return form, appProblem(err)
}

// Request reads what an app asks an authorization for at the authorization challenge endpoint, and
// returns the parameters to go on with, for Code.
func (a Apps) Request(
	ctx context.Context, app storage.Client, form url.Values,
) (storage.Interaction, url.Values, error) {
	in, asked, err := a.authorize.AppRequest(ctx, &app, form)
	return in, asked, appProblem(err)
}

// Code returns the authorization code for what Request read, in a session that reaches the ACR that the app asked
// for.
func (a Apps) Code(ctx context.Context, app storage.Client, asked url.Values, sess storage.Session) (string, error) {
	code, err := a.authorize.AppCode(ctx, &app, asked, sess)
	return code, appProblem(err)
}

// Grant redeems an authorization code of the client, which is a part of the server, and makes no tokens. Its error is
// invalid_grant if the code cannot be redeemed.
func (a Apps) Grant(ctx context.Context, clientID, code, redirectURI, verifier string) (storage.Grant, error) {
	c, err := a.auth.Clients.Enabled(ctx, web.TenantOf(ctx).ID, clientID)
	if err != nil {
		return storage.Grant{}, fmt.Errorf("client: %w", err)
	}
	g, err := a.token.Grant(ctx, c, url.Values{
		"code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier},
	})
	return g, appProblem(err)
}

// SignOut ends the session that an access token or a refresh token of the app belongs to.
func (a Apps) SignOut(ctx context.Context, app storage.Client, token string) error {
	return appProblem(a.resource.SignOut(ctx, &app, token))
}

// Person returns the user of the access token in the request's Authorization header, with the grant and
// its first-party client. Its error is invalid_token (RFC 6750 section 3.1) if the token or its grant is not valid.
func (a Apps) Person(r *http.Request) (storage.Client, storage.Grant, storage.User, error) {
	c, g, u, err := a.resource.UserOf(r)
	if err == nil {
		err = requireFirstParty(&c)
	}
	return c, g, u, tokenProblem(r, err)
}

// Bearer returns what the access token in the request's Authorization header stands for.
func (a Apps) Bearer(r *http.Request) (storage.Bearer, error) {
	b, err := a.resource.BearerOf(r)
	return b, tokenProblem(r, err)
}

// tokenProblem is appProblem for an error about an access token, which says if a proof is wanted.
func tokenProblem(r *http.Request, err error) error {
	e, prob := oauth.Refusal(err), appProblem(err)
	if e != nil && oauth.ByProof(e) {
		prob.(*web.Problem).Authenticate = oauth.DPoPChallenge(web.TenantOf(r.Context()), e)
	}
	return prob
}

// ProofOf returns the thumbprint of the key that the request's DPoP proof shows, or "" for a request without one, and
// what spends the proof. Its errors are invalid_dpop_proof and use_dpop_nonce.
func (a Apps) ProofOf(r *http.Request) (key string, spend func() error, err error) {
	proof, err := a.proofs.Read(r, "")
	return proof.JKT, func() error { return appProblem(a.proofs.Spend(r.Context(), proof)) }, appProblem(err)
}

// CORS returns h with answers that scripts may read if a client of the tenant has registered their origin. Other
// scripts read none.
func (a Apps) CORS(h http.Handler) http.Handler {
	return a.cors(h, http.MethodPatch, http.MethodPut, http.MethodDelete)
}
