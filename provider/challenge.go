package provider

import (
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// challengeParameters are those of an authorization request that the authorization
// challenge endpoint understands. What only means something in a browser, such as prompt
// or response_mode, is passed over (draft-ietf-oauth-first-party-apps-04 section 4.1).
var challengeParameters = []string{
	"response_type", "scope", "redirect_uri", "code_challenge", "code_challenge_method", "nonce",
	"claims", "acr_values", "max_age", "id_token_hint", "login_hint", "request", "request_uri", "registration",
}

// maxChallenge bounds what they have together, in bytes: the app carries them along, sealed.
const maxChallenge = 2048

// Form reads the form that an app posted, as /token does.
func (p Apps) Form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	form, err := oauth.PostForm(w, r)
	return form, appProblem(err)
}

// Request reads what the app asks an authorization for at the authorization challenge
// endpoint, and gives the parameters to go on with, for Code. Authorizations of apps end
// in codes that PKCE binds, always: nothing else ties them to who began.
func (p Apps) Request(r *http.Request, app storage.Client, form url.Values) (storage.Interaction, url.Values, error) {
	asked, size := url.Values{}, 0
	for _, name := range challengeParameters {
		if form.Has(name) {
			asked[name] = form[name]
			size += len(name) + len(form.Get(name))
		}
	}
	if size > maxChallenge {
		return storage.Interaction{}, nil, appProblem(fosite.ErrInvalidRequest.WithDescription("The authorization request is too long."))
	}
	a, err := p.challenge(r, app, asked)
	if err != nil {
		return storage.Interaction{}, nil, err
	}
	return storage.Interaction{
		TenantID: a.tenant.ID, Started: a.started, Client: app, Scopes: a.scopes, LoginHint: asked.Get("login_hint"), ACR: a.leastACR(),
	}, asked, nil
}

// Code is the code of what Request was given, for a session that is as strong as asked.
func (p Apps) Code(r *http.Request, app storage.Client, asked url.Values, sess storage.Session) (string, error) {
	a, err := p.challenge(r, app, asked)
	if err != nil {
		return "", err
	}
	if !a.meant(sess.UserID) {
		return "", appProblem(fosite.ErrLoginRequired.WithDescription("The person who signed in is not the one that the request is about."))
	}
	a.account = &browser.Account{Session: sess}
	return p.giveCode(a)
}

// challenge parses the request as /authorize does, but for what only a browser needs.
func (p Apps) challenge(r *http.Request, app storage.Client, asked url.Values) (*authorization, error) {
	a := &authorization{tenant: web.TenantOf(r.Context()), proven: true, client: &app, started: time.Now(), claims: &tokens.ClaimsRequest{}}
	if err := checkParameters(a, asked); err != nil {
		return nil, appProblem(err)
	}
	if a.challenge == "" {
		return nil, appProblem(fosite.ErrInvalidRequest.WithDescription("code_challenge is missing: PKCE is required (RFC 7636)."))
	}
	// There is nowhere to redirect to; but who names one to /token has to name it here.
	if a.sentURI = asked.Get("redirect_uri"); a.sentURI != "" && !clients.AllowsRedirect(a.client, a.client.RedirectURIs, a.sentURI) {
		return nil, appProblem(fosite.ErrInvalidRequest.WithDescription("redirect_uri is not one that the client registered. It is best left out here, and at /token then."))
	}
	return a, appProblem(p.readOIDC(r.Context(), a, asked))
}
