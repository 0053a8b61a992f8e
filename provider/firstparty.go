package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/resource"
	"github.com/vouchsafe/vouchsafe/provider/token"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Apps is the protocol's part of the JSON API: who asks, and what they get. Its errors
// are web.Problems with the codes of OAuth.
type Apps struct{ *Provider }

// App is the first-party client that a request comes from. It proves itself as at
// /token; form holds the parameters of client authentication that came in the body.
func (p Apps) App(r *http.Request, form url.Values) (storage.Client, error) {
	c, err := p.auth.Client(r, form)
	if err != nil {
		return storage.Client{}, appProblem(err)
	}
	return *c, appProblem(firstParty(c))
}

func firstParty(c *storage.Client) error {
	if c.FirstParty && c.MayUse(clients.FirstPartyGrant) {
		return nil
	}
	return fosite.ErrUnauthorizedClient.WithDescription("The client may not sign people in by itself: it has to be first_party, with the grant type " + clients.FirstPartyGrant + ".")
}

// appProblem is an error of the protocol as package login shows it.
func appProblem(err error) error {
	e := oauth.Refusal(err)
	if e == nil {
		return err
	}
	var wait oauth.Wait
	errors.As(e, &wait)
	return &web.Problem{Status: e.CodeField, Code: e.ErrorField, Program: oauth.Description(e), RetryAfter: time.Duration(wait), Err: e.Unwrap()}
}

// Tokens gives the app those of a session: what the code of an authorization in that
// session would have given. scope is what is asked for; "" is all that the client is
// registered for, but for offline_access, which outlives the session.
func (p Apps) Tokens(r *http.Request, app storage.Client, sess storage.Session, scope string) (storage.Tokens, error) {
	t, err := p.token.OfSession(r.Context(), &app, sess, scope)
	return t, appProblem(err)
}

// CheckScope says whether the app may ask for the scope: before anybody is asked for a
// password for nothing.
func (p Apps) CheckScope(app storage.Client, scope string) error {
	_, err := token.AppScopes(&app, scope)
	return appProblem(err)
}

// Refresh gives new tokens for a refresh token of the app, as /token does.
func (p Apps) Refresh(r *http.Request, app storage.Client, refreshToken, scope string) (storage.Tokens, error) {
	t, err := p.token.Refresh(r.Context(), &app, refreshToken, scope)
	return t, appProblem(err)
}

// Form reads the form that an app posted, as /token does.
func (p Apps) Form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	form, err := oauth.PostForm(w, r)
	return form, appProblem(err)
}

// Request reads what an app asks an authorization for at the authorization challenge endpoint, and
// returns the parameters to go on with, for Code.
func (p Apps) Request(r *http.Request, app storage.Client, form url.Values) (storage.Interaction, url.Values, error) {
	in, asked, err := p.authorize.AppRequest(r.Context(), &app, form)
	return in, asked, appProblem(err)
}

// Code returns the code of what Request was given, for a session that is as strong as asked.
func (p Apps) Code(r *http.Request, app storage.Client, asked url.Values, sess storage.Session) (string, error) {
	code, err := p.authorize.AppCode(r.Context(), &app, asked, sess)
	return code, appProblem(err)
}

// SignOut ends the session that a token of the app hangs on, and revokes what the app was granted in
// it. Nothing happens for a token that is none of the app's, which is no error (RFC 7009 section 2.2).
func (p Apps) SignOut(r *http.Request, app storage.Client, token string) error {
	ctx := r.Context()
	id, err := p.grantOf(ctx, token, time.Now())
	if errors.Is(err, jws.ErrInvalid) || errors.Is(err, tokens.ErrRefreshToken) {
		web.Note(ctx, "why", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	g, err := p.Store.Grant(ctx, app.TenantID, id)
	if errors.Is(err, storage.ErrNotFound) || err == nil && g.ClientID != app.ClientID {
		web.Note(ctx, "why", "no grant of this client")
		return nil
	}
	if err != nil {
		return fmt.Errorf("grant of token: %w", err)
	}
	e := storage.Event{Kind: storage.EventGrantRevoked, Actor: g.UserID, UserID: g.UserID, ClientID: app.ClientID, Detail: map[string]string{"grant": g.ID}}
	ch := oauth.Revocation(ctx, app.TenantID, storage.GrantFilter{ID: g.ID}, "signed out", e)
	if g.SessionID != "" {
		ch.EndSessions = &storage.SessionFilter{IDs: []string{g.SessionID}}
		ch.Revoke[0].GrantFilter = storage.GrantFilter{SessionID: g.SessionID, ClientID: app.ClientID}
	}
	if err := p.Store.Apply(ctx, ch); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// grantOf is the id of the grant that a refresh or access token names.
func (p Apps) grantOf(ctx context.Context, token string, now time.Time) (string, error) {
	t := web.TenantOf(ctx)
	if strings.HasPrefix(token, tokens.RefreshPrefix) {
		id, _, err := p.tokens.OpenRefreshToken(t.ID, token)
		return id, err
	}
	claims, err := p.tokens.OpenAccessToken(ctx, t, token, now)
	if err == nil && claims.GrantID == "" {
		err = fmt.Errorf("%w: no person's token", jws.ErrInvalid)
	}
	if err != nil {
		return "", err
	}
	return claims.GrantID, nil
}

// Person is whom the access token in the request's Authorization header stands for, with
// the grant and its first-party client. The grant lives: one read.
func (p Apps) Person(r *http.Request) (storage.Client, storage.Grant, storage.User, error) {
	c, g, u, err := p.person(r)
	return c, g, u, appProblem(err)
}

func (p Apps) person(r *http.Request) (c storage.Client, g storage.Grant, u storage.User, err error) {
	ctx, t, now := r.Context(), web.TenantOf(r.Context()), time.Now()
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return c, g, u, oauth.ErrInvalidToken.WithDescription("Send the access token in one Authorization header, as Bearer.")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if token = strings.Trim(token, " "); !strings.EqualFold(scheme, "Bearer") || !resource.IsToken(token) {
		return c, g, u, oauth.ErrInvalidToken.WithDescription("Send the access token in one Authorization header, as Bearer.")
	}
	claims, err := p.tokens.OpenAccessToken(ctx, t, token, now)
	if errors.Is(err, jws.ErrInvalid) {
		return c, g, u, resource.InvalidToken(ctx, err.Error())
	}
	if err != nil {
		return c, g, u, fmt.Errorf("open access token: %w", err)
	}
	if claims.GrantID == "" {
		return c, g, u, resource.InvalidToken(ctx, "no person's token")
	}
	g, u, err = p.Store.LiveGrant(ctx, t.ID, claims.GrantID, claims.JTI, now)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (g.UserID != claims.Subject || g.ClientID != claims.ClientID) {
		return c, g, u, resource.InvalidToken(ctx, "revoked, or its grant is dead")
	}
	if err != nil {
		return c, g, u, fmt.Errorf("grant of access token: %w", err)
	}
	web.Note(ctx, "client", g.ClientID)
	app, err := p.clients.Enabled(ctx, t.ID, g.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return c, g, u, resource.InvalidToken(ctx, "its client is gone")
	}
	if err != nil {
		return c, g, u, fmt.Errorf("client: %w", err)
	}
	return *app, g, u, firstParty(app)
}

// CORS lets scripts read the answers of h whose origin a client of the tenant has
// registered, and no others.
func (p Apps) CORS(h http.Handler) http.Handler {
	return p.cors(h, http.MethodPatch, http.MethodDelete)
}
