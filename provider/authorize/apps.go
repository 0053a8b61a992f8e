package authorize

import (
	"context"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// appParameters are those of an authorization request that the authorization challenge endpoint
// understands. What only means something in a browser, such as prompt or response_mode, is passed over
// (draft-ietf-oauth-first-party-apps-04 section 4.1).
var appParameters = []string{
	"response_type", "scope", "redirect_uri", "code_challenge", "code_challenge_method", "nonce",
	"claims", "acr_values", "max_age", "id_token_hint", "login_hint", "request", "request_uri", "registration", "resource",
	"dpop_jkt",
}

// maxAppRequest bounds what they have together, in bytes: the app carries them along, sealed.
const maxAppRequest = 2048

// AppRequest reads what an app asks an authorization for at the authorization challenge endpoint, and
// returns the parameters to go on with, for AppCode. The app is authenticated. Authorizations of apps end
// in codes that PKCE binds, always: nothing else ties them to the app that began.
func (s *Server) AppRequest(
	ctx context.Context, app *storage.Client, form url.Values,
) (storage.Interaction, url.Values, error) {
	asked, size := url.Values{}, 0
	for _, name := range appParameters {
		if form.Has(name) {
			asked[name] = form[name]
			for _, value := range form[name] {
				size += len(name) + len(value)
			}
		}
	}
	if size > maxAppRequest {
		return storage.Interaction{}, nil, fosite.ErrInvalidRequest.WithDescription("The authorization request is too long.")
	}
	a, err := s.parseApp(ctx, app, asked)
	if err != nil {
		return storage.Interaction{}, nil, err
	}
	return storage.Interaction{
		TenantID: a.tenant.ID, Started: a.started, Client: *app, Scopes: a.scopes,
		LoginHint: asked.Get("login_hint"), ACR: a.leastACR(),
	}, asked, nil
}

// AppCode returns the code of what AppRequest was given, for a session that is as strong as asked.
func (s *Server) AppCode(
	ctx context.Context, app *storage.Client, asked url.Values, sess storage.Session,
) (string, error) {
	a, err := s.parseApp(ctx, app, asked)
	if err != nil {
		return "", err
	}
	if !a.meant(sess.UserID) {
		return "", fosite.ErrLoginRequired.WithDescription(
			"A different user signed in than the one that id_token_hint or claims names.",
		)
	}
	a.account = &sessions.Account{Session: sess}
	if err := s.admitApp(ctx, app, sess); err != nil {
		return "", err
	}
	return sealCode(s.Tokens, a)
}

// admitApp refuses a user who may not use the app.
func (s *Server) admitApp(ctx context.Context, app *storage.Client, sess storage.Session) error {
	if app.Allow.All() {
		return nil
	}
	u, err := s.Store.User(ctx, sess.TenantID, sess.UserID)
	if err != nil {
		return err
	}
	refused, err := isRefused(ctx, s.Store, app, &u)
	if err == nil && refused {
		err = oauth.ErrNotForUser
	}
	return err
}

// parseApp parses the request as Authorize does, but for what only a browser needs.
func (s *Server) parseApp(ctx context.Context, app *storage.Client, asked url.Values) (*authorization, error) {
	a := &authorization{tenant: web.TenantOf(ctx), client: app, started: time.Now(), claims: &tokens.ClaimsRequest{}}
	if err := checkParameters(a, asked); err != nil {
		return nil, err
	}
	if a.codeChallenge == "" {
		return nil, fosite.ErrInvalidRequest.WithDescription("code_challenge is missing. Send PKCE (RFC 7636).")
	}
	// There is nowhere to redirect to; but an app that names an address to /token has to name it here.
	a.sentURI = asked.Get("redirect_uri")
	if a.sentURI != "" && !clients.AllowsRedirect(app, app.RedirectURIs, a.sentURI) {
		return nil, fosite.ErrInvalidRequest.WithDescription(
			"This redirect_uri isn't registered for the client. Leave it out, here and at /token.",
		)
	}
	return a, s.readOIDC(ctx, a, asked)
}
