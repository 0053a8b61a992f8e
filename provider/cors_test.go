package provider

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const spaOrigin = "https://spa.example.com"

var corsPaths = map[string]string{"/token": "POST", "/userinfo": "GET", "/revoke": "POST", "/par": "POST"}

func preflight(path, method, origin string) *http.Request {
	return request("OPTIONS", path, "", "Origin: "+origin, "Access-Control-Request-Method: "+method,
		"Access-Control-Request-Headers: authorization,content-type")
}

func TestScriptsOfRegisteredOrigins(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.AllowedCORSOrigins = []string{spaOrigin} })
	token := s.tokens(c).str("access_token")
	for path, method := range corsPaths {
		resp := s.raw(preflight(path, method, spaOrigin))
		h := resp.Header
		if resp.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != spaOrigin ||
			h.Get("Access-Control-Max-Age") != "600" ||
			!strings.Contains(h.Get("Access-Control-Allow-Methods"), method) ||
			!strings.Contains(strings.ToLower(h.Get("Access-Control-Allow-Headers")), "authorization") {
			t.Errorf("preflight of %s: got %d %v", path, resp.StatusCode, h)
		}
		resp = s.raw(request(method, path, "", "Origin: "+spaOrigin, bearer(token)))
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != spaOrigin {
			t.Errorf("%s: Access-Control-Allow-Origin is %q", path, got)
		}
		if !strings.Contains(resp.Header.Get("Access-Control-Expose-Headers"), "Www-Authenticate") &&
			!strings.Contains(resp.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
			t.Errorf("%s: exposed are %q", path, resp.Header.Get("Access-Control-Expose-Headers"))
		}
	}
	// Errors are read by scripts too.
	if got := s.raw(request("GET", "/userinfo", "",
		"Origin: "+spaOrigin)).Header.Get("Access-Control-Allow-Origin"); got != spaOrigin {
		t.Errorf("401: Access-Control-Allow-Origin is %q", got)
	}
}

// TestScriptsMaySendProofs: browsers hide each header that is not named (RFC 9449 section 8; draft-dpop #153), and send
// none that is not allowed.
func TestScriptsMaySendProofs(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.AllowedCORSOrigins = []string{spaOrigin} })
	p := s.proves()
	token := p.gets(c).str("access_token")
	for path, method := range map[string]string{"/token": "POST", "/par": "POST", "/userinfo": "GET"} {
		asks := request("OPTIONS", path, "", "Origin: "+spaOrigin, "Access-Control-Request-Method: "+method,
			"Access-Control-Request-Headers: authorization,content-type,dpop")
		allowed := s.raw(asks).Header.Get("Access-Control-Allow-Headers")
		if !strings.Contains(strings.ToLower(allowed), "dpop") {
			t.Errorf("preflight of %s: allowed are %q", path, allowed)
		}
		sent := request(method, path, "client_id="+c.ClientID+"&grant_type=refresh_token", formType, "Origin: "+spaOrigin,
			"Authorization: DPoP "+token, "DPoP: "+p.sign(p.claims(method, path, token, "nonce", nil)))
		if method == "POST" {
			sent.Header.Del("Authorization")
		}
		h := s.raw(sent).Header
		exposed := strings.ToLower(h.Get("Access-Control-Expose-Headers"))
		if h.Get("DPoP-Nonce") == "" || !strings.Contains(exposed, "dpop-nonce") ||
			!strings.Contains(exposed, "www-authenticate") {
			t.Errorf("%s: got nonce %q, exposed are %q", path, h.Get("DPoP-Nonce"), exposed)
		}
	}
}

// K2: scripts of no other origin, never with cookies, and never where users sign in.
func TestScriptsOfOtherOrigins(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	s.client(func(c *storage.Client) { c.AllowedCORSOrigins = []string{spaOrigin} })
	s.client(func(c *storage.Client) {
		c.ClientID, c.Disabled, c.AllowedCORSOrigins = "off", true, []string{"https://off.example.com"}
	})
	if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "other", Name: "Other"}); err != nil {
		t.Fatal(err)
	}
	s.put(&storage.Client{TenantID: "other", ClientID: "x", AllowedCORSOrigins: []string{"https://other.example.com"}})
	for _, origin := range []string{
		"null", "*", "https://evil.example", spaOrigin + ".evil.example", "https://evil-spa.example.com",
		"http://spa.example.com",
		spaOrigin + ":8443", spaOrigin + "/", strings.ToUpper(spaOrigin), "https://spa.example.com%60.evil.example",
		"https://spaxexample.com",
		"https://off.example.com", "https://other.example.com", "https://user@spa.example.com", strings.Repeat("x", 5000),
		testIssuer, "https://\xff",
	} {
		for path, method := range corsPaths {
			for _, r := range []*http.Request{preflight(path, method, origin), request(method, path, "", "Origin: "+origin)} {
				resp := s.raw(r)
				for name := range resp.Header {
					if strings.HasPrefix(name, "Access-Control-Allow") {
						t.Errorf("%s %s from %.60q: got %s", r.Method, path, origin, name)
					}
				}
				if !slices.Contains(strings.Split(strings.Join(resp.Header.Values("Vary"), ", "), ", "), "Origin") {
					t.Errorf("%s %s: Vary is %q", r.Method, path, resp.Header.Values("Vary"))
				}
			}
		}
	}
	for _, path := range []string{"/authorize", "/introspect", "/logout"} {
		for _, r := range []*http.Request{preflight(path, "POST", spaOrigin),
			request("GET", path, "", "Origin: "+spaOrigin)} {
			for name := range s.raw(r).Header {
				if strings.HasPrefix(name, "Access-Control") {
					t.Errorf("%s %s: got %s", r.Method, path, name)
				}
			}
		}
	}
	// Methods that no endpoint takes are not allowed either.
	if got := s.raw(preflight("/token", "DELETE", spaOrigin)).Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("preflight of DELETE: allowed for %q", got)
	}
	for path, method := range corsPaths {
		if got := s.raw(preflight(path, method, spaOrigin)).Header.Get("Access-Control-Allow-Credentials"); got != "" {
			t.Errorf("%s: credentials are allowed: %q", path, got)
		}
	}
}

// Libraries for tracing and for protocols on top of OAuth send headers of their own with
// every request. What none of our endpoints looks at does not keep a registered origin's
// script from calling it.
func TestScriptsMaySendHeadersOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	s.client(func(c *storage.Client) { c.AllowedCORSOrigins = []string{spaOrigin} })
	for path, method := range corsPaths {
		for _, names := range []string{"authorization,traceparent", "baggage,sentry-trace", "cache-control,pragma",
			"mcp-protocol-version", "dpop", "x-anything"} {
			resp := s.raw(request("OPTIONS", path, "", "Origin: "+spaOrigin, "Access-Control-Request-Method: "+method,
				"Access-Control-Request-Headers: "+names))
			if h := resp.Header; resp.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != spaOrigin ||
				h.Get("Access-Control-Allow-Headers") != names {
				t.Errorf("%s with %s: got %d %v", path, names, resp.StatusCode, h)
			}
			resp = s.raw(request("OPTIONS", path, "", "Origin: https://evil.example", "Access-Control-Request-Method: "+method,
				"Access-Control-Request-Headers: "+names))
			if h := resp.Header; h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Headers") != "" {
				t.Errorf("%s with %s from a stranger: got %v", path, names, h)
			}
		}
	}
}

// Discovery and keys are public: a script of any origin reads them, with whatever headers
// it sends, and no cache has to keep them apart by origin.
func TestPublishedDocumentsAreReadByScriptsOfAnyOrigin(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	for _, path := range []string{"/jwks", openIDPath, oauthPath} {
		for _, origin := range []string{spaOrigin, "https://stranger.example", "null", "http://localhost:6274"} {
			resp := s.raw(request("GET", path, "", "Origin: "+origin))
			if h := resp.Header; resp.StatusCode != http.StatusOK || h.Get("Access-Control-Allow-Origin") != "*" ||
				h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: got %d %v", path, origin, resp.StatusCode, h)
			}
			resp = s.raw(request("OPTIONS", path, "", "Origin: "+origin, "Access-Control-Request-Method: GET",
				"Access-Control-Request-Headers: mcp-protocol-version,traceparent"))
			if h := resp.Header; resp.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" ||
				h.Get("Access-Control-Allow-Headers") != "mcp-protocol-version,traceparent" {
				t.Errorf("preflight of %s from %s: got %d %v", path, origin, resp.StatusCode, h)
			}
		}
		resp := s.raw(request("GET", path, ""))
		if h := resp.Header; h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Vary") != "" {
			t.Errorf("%s without an origin: got %v", path, h)
		}
		resp = s.raw(request("OPTIONS", path, "", "Origin: "+spaOrigin, "Access-Control-Request-Method: POST"))
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("preflight of POST %s: allowed for %q", path, got)
		}
		// What went wrong can be read too.
		if got := s.raw(request("POST", path, "",
			"Origin: "+spaOrigin)).Header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("POST %s: Access-Control-Allow-Origin is %q", path, got)
		}
	}
}

// An origin that is taken back is refused within a second, and asked for once in it.
func TestOriginsAreKeptForASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client(func(c *storage.Client) { c.AllowedCORSOrigins = []string{spaOrigin} })
		look := func() reply {
			return s.do(request("GET", "/token", "", "Origin: "+spaOrigin))
		}
		look()
		if got := s.statements(http.StatusMethodNotAllowed, look); got != "" {
			t.Errorf("again: got %q, want no statement", got)
		}
		c.AllowedCORSOrigins = nil
		s.put(c)
		time.Sleep(time.Second)
		if got := look().header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("after it was taken back: allowed for %q", got)
		}
	})
}

func TestCORSWhileStorageIsDown(t *testing.T) {
	t.Parallel()
	s, store := startFailing(t)
	s.client(func(c *storage.Client) { c.AllowedCORSOrigins = []string{spaOrigin} })
	store.set("AllowsOrigin")
	a := s.do(request("GET", "/token", "", "Origin: "+spaOrigin))
	if a.status != http.StatusMethodNotAllowed || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("got %d %v, want an answer that scripts cannot read", a.status, a.header)
	}
	store.set("")
	if got := s.do(request("GET", "/token", "",
		"Origin: "+spaOrigin)).header.Get("Access-Control-Allow-Origin"); got != spaOrigin {
		t.Errorf("afterwards: allowed for %q", got)
	}
}
