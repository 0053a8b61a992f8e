package authorize

import (
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// isSHA256 reports whether s looks like 32 bytes in base64url: as a code_challenge of the method S256 does (RFC 7636
// section 4.2), and the thumbprint of a key.
func isSHA256(s string) bool {
	other := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-'
	}
	return len(s) == 43 && !strings.ContainsFunc(s, other)
}

// checkParameters checks what fosite would let pass.
func checkParameters(a *authorization, form url.Values) error {
	// First what says how to answer, so that every later error is answered so.
	wanted := answerWishes(form)
	a.state, a.hasState = wanted.State, wanted.State != ""
	if wanted.ResponseMode != "" {
		if !slices.Contains(oauth.ResponseModes, fosite.ResponseModeType(wanted.ResponseMode)) {
			return fosite.ErrInvalidRequest.WithDescription("response_mode must be query, fragment or form_post, " +
				"or one of these with .jwt behind it, or jwt.")
		}
		a.mode = fosite.ResponseModeType(wanted.ResponseMode)
	}
	for name, values := range form {
		if len(values) > 1 && name != "resource" { // RFC 8707 section 2
			return fosite.ErrInvalidRequest.WithDescription("The parameter " + name + " appears more than once.")
		}
	}
	switch kind := form.Get("response_type"); {
	case a.pushed == "" && a.client.NeedsPushed():
		return fosite.ErrInvalidRequest.WithDescription("This client has to push its authorization requests (RFC 9126): " +
			"post them to pushed_authorization_request_endpoint first, and send the request_uri of the answer.")
	case a.signed == "" && a.client.RequireSignedRequestObject:
		return fosite.ErrInvalidRequest.WithDescription("This client has to sign its authorization requests (RFC 9101): " +
			"send them as the parameter request.")
	case form.Has("request"): // what is not for a browser
		return fosite.ErrRequestNotSupported.WithDescription(
			"Request objects are not supported here: send the parameters themselves.",
		)
	case kind == "":
		return fosite.ErrInvalidRequest.WithDescription("response_type is missing. Send response_type=code.")
	case kind != "code":
		return fosite.ErrUnsupportedResponseType.WithDescription("response_type isn't supported. Send response_type=code.")
	case !a.client.MayUse("authorization_code"):
		return fosite.ErrUnauthorizedClient.WithDescription("This client can't use the authorization code flow. Add " +
			"authorization_code to its grant_types.")
	case form.Has("request_uri"):
		return fosite.ErrRequestURINotSupported.WithDescription(
			"request_uri must be one that this server gave for a pushed request (RFC 9126). Documents elsewhere aren't fetched.",
		)
	case form.Has("registration"):
		return fosite.ErrRegistrationNotSupported.WithDescription("The registration parameter isn't supported.")
	}
	if err := readScopes(a, form); err != nil {
		return err
	}
	if err := readKey(a, form.Get("dpop_jkt")); err != nil {
		return err
	}
	return checkPKCE(a, form)
}

// readScopes reads which scopes are asked for, and for which APIs.
func readScopes(a *authorization, form url.Values) error {
	a.scopes = oauth.AskedScopes(a.client, form.Get("scope"))
	beyond := func(s string) bool {
		return !slices.Contains(a.client.Scopes(), s) || !a.tenant.Settings.AdmitsScope(a.client, s)
	}
	if a.client.Outside != nil { // it asks all servers for the same (RFC 6749 section 3.3 lets us leave some out)
		a.scopes = slices.DeleteFunc(a.scopes, beyond)
	}
	if bad := slices.IndexFunc(a.scopes, beyond); bad >= 0 {
		return fosite.ErrInvalidScope.WithDescription(
			"The client may not ask for the scope " + a.scopes[bad] + "; see scope in its registration.",
		)
	}
	return readResources(a, form["resource"])
}

// readResources reads which APIs the tokens are for (RFC 8707 section 2). Scopes of other APIs are dropped: clients
// ask for all that the metadata lists.
func readResources(a *authorization, asked []string) (err error) {
	a.resources, err = tokens.Resources(a.tenant, a.client, asked)
	if len(a.resources) > 0 {
		a.scopes = tokens.ScopesAt(a.tenant, a.resources, a.scopes)
	}
	return err
}

// readKey reads to which key the code is to be bound (RFC 9449 section 10).
func readKey(a *authorization, jkt string) error {
	if jkt == "" || a.client.DPoP == storage.DPoPOff {
		return nil
	}
	if !isSHA256(jkt) {
		return fosite.ErrInvalidRequest.WithDescription("dpop_jkt must be the thumbprint of a key: the 43 characters of a " +
			"SHA-256 in base64url (RFC 9449 section 10).")
	}
	a.jkt = jkt
	return nil
}

// checkPKCE demands a code challenge by S256 (RFC 7636) of clients that need one. Confidential clients may
// leave it out (RFC 9700 section 2.1.1 recommends it, and many of their libraries do not know it); a
// challenge that any client sends is held to.
func checkPKCE(a *authorization, form url.Values) error {
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	switch {
	case challenge == "" && method == "" && !a.client.NeedsPKCE():
		return nil
	case challenge == "" && !a.client.Public():
		return fosite.ErrInvalidRequest.WithDescription(
			"code_challenge is missing: the client is registered with require_pkce (RFC 7636).",
		)
	case challenge == "":
		return fosite.ErrInvalidRequest.WithDescription(
			"code_challenge is missing: PKCE is required of clients without credentials (RFC 7636).",
		)
	case method != "S256":
		return fosite.ErrInvalidRequest.WithDescription("code_challenge_method must be S256.")
	case !isSHA256(challenge):
		return fosite.ErrInvalidRequest.WithDescription(
			"code_challenge must be the 43 characters of a SHA-256 in base64url (RFC 7636 section 4.2).",
		)
	}
	a.codeChallenge = challenge
	return nil
}
