package provider

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/clientauth"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// authorization is a request of the authorization endpoint, parsed. fosite carries it as a
// fosite.Session to the handler that makes the code.
type authorization struct {
	oauth.Unstored
	tenant *web.Tenant
	// proven says that client and redirect URI are known to belong together: errors may
	// be sent there.
	proven      bool
	client      *storage.Client
	redirectURI string // where the answer goes
	sentURI     string // the same, or "" when the request named none
	mode        fosite.ResponseModeType
	state       string
	hasState    bool
	started     time.Time
	request     fosite.AuthorizeRequester
	nonce       string
	challenge   string
	scopes      []string
	prompts     []string
	maxAge      *time.Duration
	claims      *tokens.ClaimsRequest
	rawClaims   string
	acrs        []string // asked for and known here, the preferred first
	hint        *tokens.IDTokenHint
	account     *browser.Account // nil: nobody is signed in
	aside       bool             // the account is signed in, but not the browser's current one
	late        bool             // the request was begun before, too long ago
}

// answer is params on their way to the client, with what every answer carries (RFC
// 6749 section 4.1.2, RFC 9207).
func (a *authorization) answer(params url.Values) *answer {
	if a.hasState {
		params.Set("state", a.state)
	}
	params.Set("iss", a.tenant.Issuer)
	return &answer{redirectURI: a.redirectURI, mode: a.mode, params: params}
}

// parseAuthorization reads and checks a request. Errors before the client and its
// redirect URI are proven are web.Problems, those after it refusals; the authorization
// comes back with both.
func (p *Provider) parseAuthorization(r *http.Request, form url.Values, resumed *letter) (*authorization, error) {
	ctx := r.Context()
	a := &authorization{tenant: web.TenantOf(ctx), mode: fosite.ResponseModeQuery, started: time.Now(), claims: &tokens.ClaimsRequest{}}
	if resumed != nil {
		a.started = resumed.started
	}
	oauth.DropEmpty(form)
	web.RequestOf(ctx).SetLocales(strings.Fields(form.Get("ui_locales")))
	if err := p.prove(ctx, a, form); err != nil {
		return a, err
	}
	if err := checkParameters(a, form); err != nil {
		return a, err
	}
	// fosite demands a state of eight characters, which the standards do not. It never
	// sends this one: answers carry the client's own.
	theirs := url.Values{}
	for _, name := range []string{"client_id", "response_type", "response_mode", "scope"} {
		if form.Has(name) {
			theirs.Set(name, form.Get(name))
		}
	}
	theirs.Set("redirect_uri", a.client.RedirectURIs[0]) // ours is proven, by rules of our own
	theirs.Set("state", "unused-by-us")
	theirs.Set("scope", strings.Join(a.scopes, " "))
	req := (&http.Request{Method: http.MethodGet, URL: r.URL, Header: http.Header{}, Form: theirs}).WithContext(ctx)
	request, err := p.fosite.NewAuthorizeRequest(ctx, req)
	if err != nil {
		return a, err
	}
	a.request = request
	return a, p.readOIDC(ctx, a, form)
}

// prove finds the client and checks that the redirect URI is its own.
func (p *Provider) prove(ctx context.Context, a *authorization, form url.Values) error {
	for _, name := range []string{"client_id", "redirect_uri"} {
		if len(form[name]) > 1 {
			return badRequest(name + " came more than once; send it once (RFC 6749 section 3.1).")
		}
	}
	id := form.Get("client_id")
	if id == "" {
		return badRequest("client_id is missing. It names the client as in clients.yaml or `vouchsafe client list`.")
	}
	c, err := p.clients.Enabled(ctx, a.tenant.ID, id)
	if errors.Is(err, storage.ErrNotFound) {
		clientauth.NoteUnproven(ctx, id, nil)
		prob := badRequest("There is no enabled client with this client_id. See `vouchsafe client list`; clients.yaml is applied when the server starts.")
		prob.Code, prob.Got = "invalid_client", id
		return prob
	}
	if err != nil {
		return err
	}
	web.Note(ctx, "client", c.ClientID)
	a.client = c
	a.sentURI = form.Get("redirect_uri")
	a.redirectURI = a.sentURI
	if len(c.RedirectURIs) == 0 {
		prob := badRequest("The client has no redirect_uris: nobody can sign in to it. Register some in clients.yaml, and the grant type authorization_code.")
		prob.Got = a.redirectURI
		return prob
	}
	if a.redirectURI == "" && form.Has("request") {
		prob := badRequest("Request objects are not supported: send the parameters themselves, redirect_uri among them.")
		prob.Code = "request_not_supported"
		return prob
	}
	if a.redirectURI == "" {
		// OAuth allows to leave it out when there is no choice, OpenID Connect does not.
		if len(c.RedirectURIs) != 1 || slices.Contains(strings.Fields(form.Get("scope")), "openid") {
			prob := badRequest("redirect_uri is missing. Only who does not ask for openid, and registered just one, may leave it out.")
			prob.Expected = c.RedirectURIs
			return prob
		}
		a.redirectURI = c.RedirectURIs[0]
	} else if !clients.AllowsRedirect(c, c.RedirectURIs, a.redirectURI) {
		prob := badRequest("redirect_uri is not one that the client registered. It must be the same to the letter; only native clients may change the port of http://127.0.0.1 and http://[::1]. Register it in clients.yaml under redirect_uris, or send a registered one.")
		prob.Got, prob.Expected = a.redirectURI, c.RedirectURIs
		return prob
	}
	a.proven = true
	return nil
}

func badRequest(developer string) *web.Problem {
	return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "problem.bad_request.title",
		Message: "problem.bad_request", Developer: developer}
}

var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// checkParameters checks what fosite would let pass.
func checkParameters(a *authorization, form url.Values) error {
	// First what says how to answer, so that every later error is answered so.
	wanted := answerWishes(form)
	a.state, a.hasState = wanted.State, wanted.State != ""
	if wanted.ResponseMode != "" {
		if !slices.Contains(oauth.ResponseModes, fosite.ResponseModeType(wanted.ResponseMode)) {
			return fosite.ErrInvalidRequest.WithDescription("response_mode is none of query, fragment, form_post.")
		}
		a.mode = fosite.ResponseModeType(wanted.ResponseMode)
	}
	for name, values := range form {
		if len(values) > 1 {
			return fosite.ErrInvalidRequest.WithDescription("The parameter " + name + " came more than once.")
		}
	}
	switch kind := form.Get("response_type"); {
	case form.Has("request"): // the object may hold what is missing beside it
		return fosite.ErrRequestNotSupported.WithDescription("Request objects are not supported: send the parameters themselves.")
	case kind == "":
		return fosite.ErrInvalidRequest.WithDescription("response_type is missing; it is code.")
	case kind != "code":
		return fosite.ErrUnsupportedResponseType.WithDescription("response_type is not supported; it is code.")
	case !a.client.MayUse("authorization_code"):
		return fosite.ErrUnauthorizedClient.WithDescription("The client's grant_types do not have authorization_code.")
	case form.Has("request_uri"):
		return fosite.ErrRequestURINotSupported.WithDescription("request_uri is not supported: send the parameters themselves.")
	case form.Has("registration"):
		return fosite.ErrRegistrationNotSupported.WithDescription("The registration parameter is not supported.")
	}
	a.scopes = oauth.AskedScopes(a.client, form.Get("scope"))
	if bad := slices.IndexFunc(a.scopes, func(s string) bool { return !slices.Contains(a.client.Scopes(), s) }); bad >= 0 {
		return fosite.ErrInvalidScope.WithDescription("The client may not ask for the scope " + a.scopes[bad] + "; see scope in its registration.")
	}
	return checkPKCE(a, form)
}

// checkPKCE demands a challenge by S256 (RFC 7636) of clients that need one. Confidential
// clients may leave it out (RFC 9700 section 2.1.1 recommends it, and many of their
// libraries do not know it); a challenge that any client sends is held to.
func checkPKCE(a *authorization, form url.Values) error {
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	switch {
	case challenge == "" && method == "" && !a.client.NeedsPKCE():
		return nil
	case challenge == "" && !a.client.Public():
		return fosite.ErrInvalidRequest.WithDescription("code_challenge is missing: the client is registered with require_pkce (RFC 7636).")
	case challenge == "":
		return fosite.ErrInvalidRequest.WithDescription("code_challenge is missing: PKCE is required of clients without credentials (RFC 7636).")
	case method != "S256":
		return fosite.ErrInvalidRequest.WithDescription("code_challenge_method must be S256.")
	case !challengeForm.MatchString(challenge):
		return fosite.ErrInvalidRequest.WithDescription("code_challenge must be the 43 characters of a SHA-256 in base64url (RFC 7636 section 4.2).")
	}
	a.challenge = challenge
	return nil
}

// readOIDC reads the parameters of OIDC Core 3.1.2.1 that say who is meant and how
// fresh their sign-in must be.
func (p *Provider) readOIDC(ctx context.Context, a *authorization, form url.Values) (err error) {
	a.nonce = form.Get("nonce")
	a.prompts = strings.Fields(form.Get("prompt"))
	allowed := p.promptValues(a.tenant)
	for _, prompt := range a.prompts {
		if !slices.Contains(allowed, prompt) {
			return fosite.ErrInvalidRequest.WithDescription("prompt has a value that is none of " + strings.Join(allowed, ", ") + ".")
		}
	}
	if slices.Contains(a.prompts, "none") && len(a.prompts) > 1 {
		return fosite.ErrInvalidRequest.WithDescription("prompt=none cannot be combined with another value.")
	}
	if err := readMaxAge(a, form.Get("max_age")); err != nil {
		return err
	}
	a.rawClaims = form.Get("claims")
	if a.claims, err = tokens.ParseClaimsRequest(a.rawClaims); err != nil {
		a.claims = &tokens.ClaimsRequest{}
		return fosite.ErrInvalidRequest.WithDescription(err.Error())
	}
	a.claims.Within(a.client)
	if err := readACR(a, form.Get("acr_values")); err != nil {
		return err
	}
	return p.readHint(ctx, a, form.Get("id_token_hint"))
}

// readHint reads who the client means by an id_token_hint. One that cannot be verified,
// because its key has long gone, counts as none: whoever sits there is asked, or signed in
// already. But nothing is answered about them without a page (prompt=none): it could be
// somebody else than the client means (OIDC Core 3.1.2.2).
func (p *Provider) readHint(ctx context.Context, a *authorization, raw string) error {
	if raw == "" {
		return nil
	}
	hint, err := p.tokens.OpenIDTokenHint(ctx, a.tenant, raw)
	switch {
	case errors.Is(err, jws.ErrInvalid):
		web.Note(ctx, "why", err.Error())
		if slices.Contains(a.prompts, "none") {
			return fosite.ErrLoginRequired.WithDescription("id_token_hint is not an ID token that was issued here, or the key that signed it has gone.")
		}
		return nil
	case err != nil:
		return err
	case !slices.Contains(hint.Audience, a.client.ClientID):
		return fosite.ErrInvalidRequest.WithDescription("id_token_hint is an ID token of another client.")
	case !a.claims.IDToken["sub"].Allows(hint.Subject):
		return fosite.ErrInvalidRequest.WithDescription("id_token_hint and the claims parameter are about different people.")
	}
	a.hint = hint
	return nil
}

// promptValues are the values of prompt that are understood: create where anybody may sign
// up.
func (p *Provider) promptValues(t *web.Tenant) []string {
	values := []string{"none", "login", "consent", "select_account"}
	if mode := t.Settings.SignUp.Mode; p.Pages.SignUp != "" && (mode == "" || mode == storage.SignUpOpen) {
		values = append(values, "create")
	}
	return values
}

func readMaxAge(a *authorization, raw string) error {
	switch {
	case raw != "":
		seconds, err := strconv.ParseInt(raw, 10, 64)
		if err != nil || seconds < 0 || raw[0] == '+' {
			return fosite.ErrInvalidRequest.WithDescription("max_age is not a whole number of seconds.")
		}
		d := age(seconds)
		a.maxAge = &d
	case a.client.DefaultMaxAge != nil:
		d := age(*a.client.DefaultMaxAge)
		a.maxAge = &d
	}
	return nil
}
