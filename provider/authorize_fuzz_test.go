package provider

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// FuzzAuthorize asks with any query, from a browser that is signed in and from one that is not. The
// endpoint never breaks, and sends the browser to our own pages or to the very address that the client
// registered, nowhere else (A1–A9, B1, B6).
func FuzzAuthorize(f *testing.F) {
	s := startTokens(f, func(c *Config) {
		c.Pages = Pages{Login: "/login", Select: "/select", SecondFactor: "/second-factor", Consent: "/consent",
			SignOut: "/signout", SignedOut: "/signed-out"}
	})
	client := s.client(func(c *storage.Client) { c.FirstParty = true })
	// A browser that is signed in.
	w := httptest.NewRecorder()
	start := httptest.NewRequest(http.MethodPost, testIssuer+"/login", nil)
	sessions := &browser.Sessions{Store: s.store, Idle: 1e15, Lifetime: 1e15}
	s.p.authorize.Sessions = sessions
	if _, err := startSession(sessions, w, start.WithContext(web.WithTenant(start.Context(), s.tenant)), s.user,
		storage.ACRPassword, "pwd"); err != nil {
		f.Fatal(err)
	}
	cookies := w.Result().Cookies()

	good := "client_id=" + client.ClientID + "&redirect_uri=" + url.QueryEscape(testRedirect) +
		"&response_type=code&scope=openid&state=s&code_challenge=" + strings.Repeat("a", 43) + "&code_challenge_method=S256"
	for _, more := range []string{
		"", "&prompt=none", "&prompt=login%20consent", "&max_age=0", "&max_age=-1", "&max_age=1e30",
		"&max_age=9223372036854775807", "&nonce=%0d%0aX:%20y", "&state=again",
		"&response_mode=form_post", "&response_mode=fragment", "&response_mode=bogus",
		"&claims=%7B%22id_token%22:%7B%22sub%22:%7B%22value%22:1%7D%7D%7D", "&claims=null",
		"&acr_values=urn:vouchsafe:acr:mfa%20x",
		"&claims=%7B%22id_token%22:%7B%22acr%22:%7B%22essential%22:true,%22values%22:[1,%22phr%22]%7D%7D%7D",
		"&id_token_hint=a.b.c", "&request=x", "&request_uri=https://evil.example/", "&login_hint=%3Cscript%3E",
		"&ui_locales=..%2f..%2f", "&i=AAAA", "&cancel=1", "&%zz", "&scope=%00",
	} {
		f.Add(good + more)
	}
	f.Add("redirect_uri=https://evil.example&client_id=" + client.ClientID)
	f.Fuzz(func(t *testing.T, query string) {
		for _, signedIn := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodGet, testIssuer+"/authorize", nil)
			r.URL.RawQuery = query
			if signedIn {
				for _, c := range cookies {
					r.AddCookie(c)
				}
			}
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Fatalf("%q: got %d %s", query, w.Code, w.Body)
			}
			to := w.Header().Get("Location")
			if strings.ContainsFunc(to, unicode.IsControl) {
				t.Fatalf("%q: control characters in Location %q", query, to)
			}
			ours := strings.HasPrefix(to, "/login?i=") || strings.HasPrefix(to, "/select?i=") ||
				strings.HasPrefix(to, "/consent?i=") || strings.HasPrefix(to, "/second-factor?i=")
			theirs := strings.HasPrefix(to, testRedirect+"?") || strings.HasPrefix(to, testRedirect+"#")
			if to != "" && !ours && !theirs {
				t.Fatalf("%q: sent to %q", query, to)
			}
			if theirs && !strings.Contains(to, "iss="+url.QueryEscape(testIssuer)) {
				t.Fatalf("%q: no iss in %q", query, to)
			}
			u, err := url.Parse(to)
			if err != nil {
				t.Fatalf("%q: Location %q: %v", query, to, err)
			}
			if !signedIn && theirs && (u.Query().Has("code") || strings.Contains(u.Fragment, "code=")) &&
				!strings.Contains(to, "error=") {
				t.Fatalf("%q: a code without a user: %q", query, to)
			}
		}
	})
}
