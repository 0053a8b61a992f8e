package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func logoutModules() []module {
	const prefix = "oidcc-rp-initiated-logout"
	return []module{
		{prefix + "-discovery-endpoint-verification", logoutDiscovery},
		{prefix, logout},
		{prefix + ",post", logoutByPost},
		{prefix + "-no-state", logoutNoState},
		{prefix + "-bad-post-logout-redirect-uri", logoutElsewhere("https://rp.example/elsewhere")},
		{prefix + "-query-added-to-post-logout-redirect-uri", logoutElsewhere("https://rp.example/signed-out?foo=bar")},
		{prefix + "-modified-id-token-hint", logoutModifiedHint},
		{prefix + "-bad-id-token-hint", logoutBadHint},
		{prefix + "-no-id-token-hint", logoutNoHint},
		{prefix + "-no-params", logoutStays(func(string) url.Values { return nil })},
		{prefix + "-only-state", logoutStays(func(string) url.Values { return url.Values{"state": {"abc"}} })},
		{prefix + "-no-post-logout-redirect-uri",
			logoutStays(func(hint string) url.Values { return url.Values{"id_token_hint": {hint}, "state": {"abc"}} })},
	}
}

const signedOutURI = "https://rp.example/signed-out"

// signedIn returns a browser with a session, and its ID token.
func signedIn(t *testing.T, p *plan) (*vouchsafetest.Browser, string) {
	t.Helper()
	b := p.browser(t)
	return b, p.tokens(t, b, p.request()).ID()
}

func leave(t *testing.T, b *vouchsafetest.Browser, params url.Values) *vouchsafetest.Page {
	t.Helper()
	return b.Get(t, "/logout?"+params.Encode())
}

func wantSignedOut(t *testing.T, p *plan, b *vouchsafetest.Browser) {
	t.Helper()
	p.fails(t, b, p.request("prompt", "none"), "login_required")
}

func logoutDiscovery(t *testing.T, p *plan) {
	if got, want := p.metadata(t)["end_session_endpoint"], p.Issuer+"/logout"; got != want {
		t.Errorf("got end_session_endpoint %v, want %s", got, want)
	}
}

func logout(t *testing.T, p *plan) {
	b, hint := signedIn(t, p)
	state := strings.Repeat("aB3~", 32)
	page := leave(t, b, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOutURI}, "state": {state}})
	if page.Left == nil || page.Left.String() != signedOutURI+"?state="+url.QueryEscape(state) {
		t.Errorf("got %v, want %s with the state", page.Left, signedOutURI)
	}
	wantSignedOut(t, p, b)
}

// logoutByPost sends the request from a form of the client's site.
func logoutByPost(t *testing.T, p *plan) {
	b, hint := signedIn(t, p)
	page := b.PostFrom(t, "https://rp.example", "/logout",
		url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOutURI}, "state": {"s"}})
	if page.Left == nil || page.Left.String() != signedOutURI+"?state=s" {
		t.Errorf("got %v, want %s with the state", page.Left, signedOutURI)
	}
	for _, hop := range page.Trail {
		if strings.Contains(hop.URL.RawQuery, hint) {
			t.Errorf("the hint stands in a URL, %s", hop.URL.Path)
		}
	}
	wantSignedOut(t, p, b)
}

func logoutNoState(t *testing.T, p *plan) {
	b, hint := signedIn(t, p)
	page := leave(t, b, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOutURI}})
	if page.Left == nil || page.Left.String() != signedOutURI {
		t.Errorf("got %v, want %s", page.Left, signedOutURI)
	}
	wantSignedOut(t, p, b)
}

// logoutElsewhere asks to be sent to a URI that is not registered.
func logoutElsewhere(uri string) func(*testing.T, *plan) {
	return func(t *testing.T, p *plan) {
		b, hint := signedIn(t, p)
		stays(t, b, leave(t, b, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {uri}, "state": {"abc"}}))
		wantSignedOut(t, p, b)
	}
}

// stays fails the test unless the browser stays at a page of the issuer, even after confirming the
// sign-out.
func stays(t *testing.T, b *vouchsafetest.Browser, page *vouchsafetest.Page) *vouchsafetest.Page {
	t.Helper()
	if page.Left == nil && page.Status == 200 && strings.HasSuffix(page.URL.Path, "/signout") {
		page = b.ConfirmSignOut(t, page)
	}
	if page.Left != nil {
		t.Errorf("the browser was sent to %s", page.Left)
	}
	if page.Text(t) == "" {
		t.Errorf("got an empty page at %s", page.URL.Path)
	}
	return page
}

func logoutModifiedHint(t *testing.T, p *plan) {
	b, hint := signedIn(t, p)
	payload := strings.Split(hint, ".")[1]
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + payload + "."
	stays(t, b, leave(t, b, url.Values{"id_token_hint": {none}, "post_logout_redirect_uri": {signedOutURI},
		"state": {"abc"}}))
	wantSignedOut(t, p, b)
}

func logoutBadHint(t *testing.T, p *plan) {
	b, hint := signedIn(t, p)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(hint, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	claims["exp"] = time.Now().Unix() + 600
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign := vouchsafetest.Sign(t, jose.ES256, key, nil, claims)
	stays(t, b, leave(t, b, url.Values{"id_token_hint": {foreign}, "post_logout_redirect_uri": {signedOutURI},
		"state": {"abc"}}))
	wantSignedOut(t, p, b)
}

func logoutNoHint(t *testing.T, p *plan) {
	b, _ := signedIn(t, p)
	stays(t, b, leave(t, b, url.Values{"post_logout_redirect_uri": {signedOutURI}, "state": {"abc"}}))
	wantSignedOut(t, p, b)
}

// logoutStays signs out without saying where to go then.
func logoutStays(params func(hint string) url.Values) func(*testing.T, *plan) {
	return func(t *testing.T, p *plan) {
		b, hint := signedIn(t, p)
		page := stays(t, b, leave(t, b, params(hint)))
		if page.Status != 200 || !strings.HasSuffix(page.URL.Path, "/signed-out") {
			t.Errorf("got %d at %s, want the page that says it is done", page.Status, page.URL.Path)
		}
		wantSignedOut(t, p, b)
	}
}
