package authorize

import (
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// authorization is a request of the authorization endpoint, parsed. fosite carries it as a fosite.Session
// to the handler that makes the code.
type authorization struct {
	oauth.Unstored
	form    url.Values                // as it was asked
	pushed  string                    // the id of a request that its client pushed
	signed  string                    // the id of the request object in which it came
	asked   string                    // what is sealed of a request that is being pushed
	request fosite.AuthorizeRequester // as fosite read it; nil for a device
	// device is what a device asks for, and deviceCode how it is stored; nil for a request of a browser.
	device     *tokens.Device
	deviceCode *storage.Code
	allowed    bool // the user allowed that device
	tenant     *issuer.Tenant
	started    time.Time
	late       bool // the request was begun before, too long ago

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
	jkt           string // the thumbprint of the key that the code is bound to; "" for none
	scopes        []string
	resources     []string // the APIs that were asked for by resource, by their identifiers
	prompts       []string
	maxAge        *time.Duration
	claims        *tokens.ClaimsRequest
	rawClaims     string
	acrs          []string // asked for and known here, the preferred first
	hint          *tokens.IDTokenHint

	account *sessions.Account // nil: no user is signed in
	aside   bool              // the account is signed in, but not the browser's current one
}

// mayStay reports whether the user is asked to let the client stay connected: an outside client, or a device, that can
// refresh, and does not ask for offline_access itself. Many editors, assistants and devices never do.
func (a *authorization) mayStay() bool {
	return (a.client.Outside != nil || a.device != nil) && a.client.MayUse("refresh_token") &&
		!slices.Contains(a.scopes, offlineAccess)
}

// marked returns the request as it is sealed: an object that was opened is not opened again.
func (a *authorization) marked() string {
	asked := a.form.Encode()
	if a.signed != "" {
		asked += "&request=" + a.signed
	}
	return asked
}

// offlineAccess is the scope of grants that outlive the session.
const offlineAccess = "offline_access"

// answer returns params on their way to the client, with what every answer carries (RFC 6749 section
// 4.1.2, RFC 9207).
func (a *authorization) answer(params url.Values) *answer {
	if a.hasState {
		params.Set("state", a.state)
	}
	params.Set("iss", a.tenant.Issuer)
	return &answer{redirectURI: a.redirectURI, mode: a.mode, params: params}
}

// meant reports whether the request is about the user: id_token_hint and a sub in the claims parameter name
// one (OIDC Core 3.1.2.1, 5.5.1).
func (a *authorization) meant(userID string) bool {
	return (a.hint == nil || a.hint.Subject == userID) && a.claims.IDToken["sub"].Allows(userID)
}

// rules returns what the tenant and the client add to the table of claims.
func (a *authorization) rules() claims.Rules { return claims.RulesOf(&a.tenant.Tenant, a.client) }

// audience returns the audience of the tokens that the code will give; nil leaves it to the client's own.
func (a *authorization) audience() []string {
	if len(a.resources) > 0 {
		return a.resources
	}
	return a.client.Audience
}

// subjects returns the ids of the users that the request is about, or nil for any user.
func (a *authorization) subjects() []string {
	if a.hint != nil {
		return []string{a.hint.Subject}
	}
	return a.claims.IDToken["sub"].Words()
}
