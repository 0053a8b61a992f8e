package upstreams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// trialTime bounds all calls of a trial together.
const trialTime = 30 * time.Second

// trial tries a provider, and notes what comes out.
type trial struct {
	*provider
	redirectURI string
	steps       []upstream.Step
	// Of the discovery document:
	found   *discovery
	scopes  []string
	methods []string
	algs    []string
	jwksURI string
	conf    *oauth2.Config // how codes are asked for and redeemed; nil if that is not known
	why     error          // for which reason
}

// Try tries all of a provider that can be tried without a user: what the provider says of itself, its keys, its clock,
// and whether it takes the client with the redirect URI. It asks as a sign-in does, with the same limits on what can
// be reached, and says little of what the provider wrote.
func (c *Caller) Try(ctx context.Context, p *upstream.Provider, redirectURI string) []upstream.Step {
	select {
	case c.trials <- struct{}{}:
		defer func() { <-c.trials }()
	default:
		return []upstream.Step{{Name: "settings", Outcome: upstream.Failed, Says: "Too many trials of upstream " +
			"providers run at the moment. Try again soon."}}
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	t := &trial{provider: c.to(p), redirectURI: redirectURI}
	t.note("redirect URI", upstream.Passed, "Register %s at the provider, exactly like this.", redirectURI)
	if p.Kind.OpenID {
		t.discover(ctx)
		t.tryKeys(ctx)
		t.checkScopes()
		t.checkPKCE()
	}
	if t.found != nil || !p.Kind.OpenID {
		t.conf, t.why = t.configOf(t.found, upstream.Request{RedirectURI: redirectURI})
	}
	t.tryAuthorization(ctx)
	t.tryClient(ctx)
	return t.steps
}

// note adds a step.
func (t *trial) note(name, outcome, format string, args ...any) {
	t.steps = append(t.steps, upstream.Step{Name: name, Outcome: outcome, Says: fmt.Sprintf(format, args...)})
}

// discover reads the discovery document, and looks at the clock of the server that sent it.
func (t *trial) discover(ctx context.Context) {
	const name = "discovery"
	address := strings.TrimSuffix(t.Issuer, "/") + "/.well-known/openid-configuration"
	body, resp, err := t.fetch(ctx, address)
	if err != nil {
		t.note(name, upstream.Failed, "%s: %s", address, plainly(err, address))
		return
	}
	defer t.checkClock(resp)
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		t.note(name, upstream.Failed, "%s leads elsewhere (status %d). Redirects aren't followed: write the issuer that the "+
			"provider's documentation names.", address, resp.StatusCode)
		return
	case resp.StatusCode != http.StatusOK:
		t.note(name, upstream.Failed, "%s answers %d. Is the issuer right? Discovery is below it.", address, resp.StatusCode)
		return
	}
	var d struct {
		Issuer    string   `json:"issuer"`
		Authorize string   `json:"authorization_endpoint"`
		Token     string   `json:"token_endpoint"`
		JWKS      string   `json:"jwks_uri"`
		Algs      []string `json:"id_token_signing_alg_values_supported"`
		Scopes    []string `json:"scopes_supported"`
		Methods   []string `json:"code_challenge_methods_supported"`
	}
	if json.Unmarshal(body, &d) != nil {
		t.note(name, upstream.Failed, "%s isn't a discovery document: it isn't JSON, or a member has another type than the "+
			"specification says.", address)
		return
	}
	if d.Issuer != t.Issuer && !t.Kind.Templated {
		t.note(name, upstream.Failed, "The document of %s names another issuer: %q. Write that one, to the letter; a slash "+
			"at the end counts.", t.Issuer, shortened(d.Issuer))
		return
	}
	for _, e := range [][2]string{
		{"authorization_endpoint", d.Authorize}, {"token_endpoint", d.Token}, {"jwks_uri", d.JWKS},
	} {
		if e[1] == "" {
			t.note(name, upstream.Failed, "The document of %s has no %s.", t.Issuer, e[0])
			return
		}
	}
	// What a sign-in does not take is no success.
	t.found, err = t.caller.found.look(ctx, t.Issuer, t.Kind.Templated)
	switch {
	case errors.Is(err, upstream.ErrUnreachable) && !errors.Is(err, errUnread):
		// The text of the error names addresses of this network.
		t.note(name, upstream.Failed, "%s: %s", address, plainly(err, address))
		return
	case err != nil:
		t.note(name, upstream.Failed, "The document of %s isn't accepted: %s.", t.Issuer, withoutPrefix(err))
		return
	}
	t.scopes, t.methods, t.algs, t.jwksURI = d.Scopes, d.Methods, d.Algs, d.JWKS
	t.note(name, upstream.Passed, "The document of %s is complete, and names the issuer.", t.Issuer)
}

// shortened returns the beginning of a text that a provider wrote.
func shortened(s string) string { return fmt.Sprintf("%.200s", s) }

// withoutPrefix returns the text of an error without which kind it is of.
func withoutPrefix(err error) string {
	text := strings.TrimPrefix(err.Error(), upstream.ErrRefused.Error()+": ")
	return strings.TrimPrefix(text, upstream.ErrUnreachable.Error()+": ")
}

// checkClock compares the clock of a server with ours. ID tokens from the future are refused.
func (t *trial) checkClock(resp *http.Response) {
	const name = "clock"
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		t.note(name, upstream.Unknown, "The provider doesn't say what time it is.")
		return
	}
	apart := time.Since(at).Round(time.Second)
	switch {
	case apart.Abs() > skew:
		t.note(name, upstream.Failed, "The clocks are %s apart: ID tokens are refused beyond %s. Set the clock of this "+
			"server, or the provider's.", apart.Abs(), skew)
	case apart.Abs() > skew/2:
		t.note(name, upstream.Warning, "The clocks are %s apart. Beyond %s ID tokens are refused.", apart.Abs(), skew)
	default:
		t.note(name, upstream.Passed, "The clocks agree.")
	}
}

// tryKeys reads the keys that verify ID tokens.
func (t *trial) tryKeys(ctx context.Context) {
	const name = "keys"
	if t.found == nil {
		t.skip(name)
		return
	}
	if !slices.ContainsFunc(t.algs, t.verifies) && len(t.algs) > 0 {
		t.note(name, upstream.Failed, "ID tokens are signed by algorithms that aren't supported: %s. Choose RS256, ES256, "+
			"EdDSA, or another one with a public key, at the provider.", shortened(strings.Join(t.algs, ", ")))
		return
	}
	keys, err := t.found.keys.look(ctx)
	switch {
	case err != nil:
		_, resp, why := t.fetch(ctx, t.jwksURI)
		says := "it isn't a JWK set"
		if why != nil {
			says = plainly(why, t.jwksURI)
		} else if resp.StatusCode != http.StatusOK {
			says = fmt.Sprintf("the answer is %d", resp.StatusCode)
		}
		t.note(name, upstream.Failed, "The keys at %s can't be read: %s", t.jwksURI, says)
	case len(keys) == 0:
		t.note(name, upstream.Failed, "%s has no key that verifies signatures.", t.jwksURI)
	default:
		t.note(name, upstream.Passed, "%s has %d keys that verify signatures.", t.jwksURI, len(keys))
	}
}

// verifies reports whether ID tokens that are signed by the algorithm are read.
func (*trial) verifies(alg string) bool {
	for _, a := range signed {
		if string(a) == alg {
			return true
		}
	}
	return false
}

// checkScopes compares what is asked for with what the provider names.
func (t *trial) checkScopes() {
	const name = "scopes"
	var unknown []string
	for _, s := range t.Scopes {
		if len(t.scopes) > 0 && !slices.Contains(t.scopes, s) {
			unknown = append(unknown, s)
		}
	}
	switch {
	case t.found == nil:
		t.skip(name)
	case !slices.Contains(t.Scopes, "openid"):
		t.note(name, upstream.Failed, "The scope openid is missing among those that are asked for: without it there is no "+
			"ID token.")
	case len(unknown) > 0:
		t.note(name, upstream.Warning, "The provider doesn't name the scopes %s among those that it knows.",
			strings.Join(unknown, ", "))
	case len(t.scopes) == 0:
		t.note(name, upstream.Unknown, "The provider doesn't say which scopes it knows. Asked for are %s.",
			strings.Join(t.Scopes, ", "))
	default:
		t.note(name, upstream.Passed, "The provider knows %s.", strings.Join(t.Scopes, ", "))
	}
}

// checkPKCE says whether the provider protects codes by PKCE (RFC 7636).
func (t *trial) checkPKCE() {
	const name = "PKCE"
	switch {
	case t.found == nil:
		t.skip(name)
	case slices.Contains(t.methods, "S256"):
		t.note(name, upstream.Passed, "The provider checks the code verifier.")
	default:
		t.note(name, upstream.Warning, "The provider doesn't say that it checks the code verifier. It is sent all the same.")
	}
}

// tryAuthorization sends an authorization request, as a browser would.
func (t *trial) tryAuthorization(ctx context.Context) {
	const name = "authorization"
	if t.conf == nil {
		t.skip(name)
		return
	}
	address := t.authURL(t.conf, t.found, upstream.Request{RedirectURI: t.redirectURI, State: secret.Token(),
		Nonce: secret.Token(), Verifier: oauth2.GenerateVerifier()})
	resp, err := t.ask(ctx, address)
	at := t.conf.Endpoint.AuthURL
	if err != nil {
		t.note(name, upstream.Failed, "%s: %s", at, plainly(err, at))
		return
	}
	resp.Body.Close() // a page for users
	location, _ := resp.Location()
	switch {
	case location != nil && strings.HasPrefix(location.String(), t.redirectURI) && location.Query().Get("error") != "":
		t.note(name, upstream.Failed, "The provider sends the browser back at once, with %s.",
			errorCode(location.Query().Get("error")))
	case resp.StatusCode >= 500:
		t.note(name, upstream.Failed, "%s answers %d: the provider has a fault.", at, resp.StatusCode)
	case resp.StatusCode >= 400:
		t.note(name, upstream.Failed, "%s answers %d. The usual reasons: the provider doesn't know the client id, or the "+
			"redirect URI isn't registered there.", at, resp.StatusCode)
	default:
		t.note(name, upstream.Passed, "The provider answers an authorization request with a page. Some providers complain "+
			"there, where only a person sees it: open the sign-in page once.")
	}
}

// tryClient redeems a code that was made up: a provider that knows the client says that the code is wrong.
func (t *trial) tryClient(ctx context.Context) {
	const name = "client"
	switch {
	case t.why != nil:
		t.note(name, upstream.Failed, "The client can't prove itself: %s.", withoutPrefix(t.why))
		return
	case t.conf == nil:
		t.skip(name)
		return
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, t.caller.http)
	_, err := t.conf.Exchange(ctx, "vouchsafe-trial-"+secret.Token()[:12],
		oauth2.VerifierOption(oauth2.GenerateVerifier()))
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		t.note(name, upstream.Warning, "The provider redeems a code that was made up.")
	case !errors.As(err, &refused):
		t.note(name, upstream.Failed, "%s: %s", t.conf.Endpoint.TokenURL,
			plainly(err, t.conf.Endpoint.TokenURL))
	default:
		outcome, says := clientOutcome(refused)
		t.note(name, outcome, "%s", says)
	}
}

// clientOutcome returns what the answer to a made-up code says of the client.
func clientOutcome(r *oauth2.RetrieveError) (outcome, says string) {
	code := strings.TrimSpace(r.ErrorCode)
	switch {
	case slices.Contains([]string{"invalid_client", "incorrect_client_credentials", "unauthorized_client"}, code),
		r.Response.StatusCode == http.StatusUnauthorized:
		return upstream.Failed, "The provider refuses the client: look at client_id and client_secret, and whether the " +
			"secret has expired there."
	case slices.Contains([]string{"redirect_uri_mismatch", "invalid_redirect_uri"}, code):
		return upstream.Failed, "The provider knows the client, and not the redirect URI: register it there."
	case slices.Contains([]string{"invalid_grant", "bad_verification_code"}, code):
		return upstream.Passed, "The provider knows the client and its secret."
	case r.Response.StatusCode >= 500:
		return upstream.Failed, fmt.Sprintf("The token endpoint answers %d: the provider has a fault.", r.Response.StatusCode)
	}
	return upstream.Unknown, fmt.Sprintf("The token endpoint answers %d with %s to a made-up code. Whether it knows the "+
		"client, a sign-in shows.", r.Response.StatusCode, errorCode(code))
}

// errorForm matches error codes as RFC 6749 has them. Others could hold anything, even a secret that was sent.
var errorForm = regexp.MustCompile(`^[a-z_]{1,40}$`)

// errorCode names an error that a provider wrote.
func errorCode(code string) string {
	if errorForm.MatchString(code) {
		return "the error " + code
	}
	return "an error of its own"
}

// skip notes that a step needs the discovery document.
func (t *trial) skip(name string) {
	t.note(name, upstream.Skipped, "The discovery document has to be right first.")
}

// ask sends a GET request.
func (t *trial) ask(ctx context.Context, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return t.caller.http.Do(r)
}

// fetch gets an address, with its body if the status is 200.
func (t *trial) fetch(ctx context.Context, address string) ([]byte, *http.Response, error) {
	resp, err := t.ask(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	return body, resp, err
}

// hostOf returns the host of an address, for a sentence.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Hostname()
}
