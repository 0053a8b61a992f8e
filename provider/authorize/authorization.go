package authorize

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// authorization is a request of the authorization endpoint, parsed. fosite carries it as a fosite.Session
// to the handler that makes the code.
type authorization struct {
	oauth.Unstored
	request fosite.AuthorizeRequester // as fosite read it
	tenant  *issuer.Tenant
	started time.Time
	late    bool // the request was begun before, too long ago

	client      *storage.Client
	redirectURI string // where the answer goes
	sentURI     string // the same, or "" when the request named none
	// answerable says that the redirect URI is known to be the client's: errors may be sent there.
	answerable bool
	mode       fosite.ResponseModeType
	state      string
	hasState   bool

	nonce         string
	codeChallenge string // of PKCE, by S256; "" when none was sent
	scopes        []string
	prompts       []string
	maxAge        *time.Duration
	claims        *tokens.ClaimsRequest
	rawClaims     string
	acrs          []string // asked for and known here, the preferred first
	hint          *tokens.IDTokenHint

	account *sessions.Account // nil: no user is signed in
	aside   bool              // the account is signed in, but not the browser's current one
}

// answer returns params on their way to the client, with what every answer carries (RFC 6749 section
// 4.1.2, RFC 9207).
func (a *authorization) answer(params url.Values) *answer {
	if a.hasState {
		params.Set("state", a.state)
	}
	params.Set("iss", a.tenant.Issuer)
	return &answer{redirectURI: a.redirectURI, mode: a.mode, params: params}
}

// meant says whether the request is about the user: id_token_hint and a sub in the claims parameter name
// one (OIDC Core 3.1.2.1, 5.5.1).
func (a *authorization) meant(userID string) bool {
	return (a.hint == nil || a.hint.Subject == userID) && a.claims.IDToken["sub"].Allows(userID)
}

// subjects returns the ids of the users that the request is about, or nil for any user.
func (a *authorization) subjects() []string {
	if a.hint != nil {
		return []string{a.hint.Subject}
	}
	return a.claims.IDToken["sub"].Words()
}

// parse reads and checks a request; l is its letter, if it waited for the user. Errors before the client
// and its redirect URI are known to belong together are web.Problems, those after it refusals; the
// authorization comes back with both.
func (s *Server) parse(r *http.Request, form url.Values, l *letter) (*authorization, error) {
	ctx := r.Context()
	a := &authorization{
		tenant: web.TenantOf(ctx), mode: fosite.ResponseModeQuery, started: time.Now(), claims: &tokens.ClaimsRequest{},
	}
	if l != nil {
		a.started = l.started
	}
	oauth.DropEmpty(form)
	web.RequestOf(ctx).SetLocales(strings.Fields(form.Get("ui_locales")))
	if err := s.findClient(ctx, a, form); err != nil {
		return a, err
	}
	if err := checkRedirectURI(a, form); err != nil {
		return a, err
	}
	if err := checkParameters(a, form); err != nil {
		return a, err
	}
	request, err := s.Engine.NewAuthorizeRequest(ctx, forEngine(r, a, form))
	if err != nil {
		return a, err
	}
	a.request = request
	return a, s.readOIDC(ctx, a, form)
}

// forEngine returns the request as fosite reads it. fosite demands a state of eight characters, which the
// standards do not: it gets one that it never sends, and answers carry the client's own. The redirect URI
// is known to be the client's, by rules of our own; fosite gets a registered one.
func forEngine(r *http.Request, a *authorization, form url.Values) *http.Request {
	theirs := url.Values{}
	for _, name := range []string{"client_id", "response_type", "response_mode"} {
		if form.Has(name) {
			theirs.Set(name, form.Get(name))
		}
	}
	theirs.Set("redirect_uri", a.client.RedirectURIs[0])
	theirs.Set("state", "unused-by-us")
	theirs.Set("scope", strings.Join(a.scopes, " "))
	read := &http.Request{Method: http.MethodGet, URL: r.URL, Header: http.Header{}, Form: theirs}
	return read.WithContext(r.Context())
}
