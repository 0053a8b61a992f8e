package provider

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// FuzzLogout asks to sign out with any query, from a browser that is signed in. The browser is sent
// to our own pages or to the very address that the client registered, and the user is not signed out
// without having confirmed it (B1, L1–L4).
func FuzzLogout(f *testing.F) {
	const target = afterLogout
	v, c := startLogout(f)
	for _, query := range []string{
		"", "client_id=" + c.ClientID,
		"client_id=" + c.ClientID + "&post_logout_redirect_uri=" + url.QueryEscape(target) + "&state=a%0d%0aX:%20y",
		"post_logout_redirect_uri=https://evil.example",
		"client_id=" + c.ClientID + "&post_logout_redirect_uri=" + url.QueryEscape(target+"/.."),
		"client_id=" + c.ClientID + "&post_logout_redirect_uri=" + url.QueryEscape(target+"@evil.example"),
		"id_token_hint=eyJhbGciOiJub25lIn0.e30.", "l=AAAA", "r=AAAA", "client_id=a&client_id=b", "state=%00", "%zz",
		"logout_hint=x&ui_locales=../..", "l=&r=&l=",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := request(http.MethodGet, "/logout", "")
		r.URL.RawQuery = query
		v.bring(r)
		w := httptest.NewRecorder()
		v.handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%q: got %d", query, w.Code)
		}
		to := w.Header().Get("Location")
		if strings.ContainsFunc(to, unicode.IsControl) {
			t.Fatalf("%q: control characters in Location %q", query, to)
		}
		ours := strings.HasPrefix(to, v.p.Pages.SignOut+"?l=") || to == v.p.Pages.SignedOut
		theirs := to == target || strings.HasPrefix(to, target+"&state=")
		if to != "" && !ours && !theirs {
			t.Fatalf("%q: sent to %q", query, to)
		}
		// The user has not confirmed it: a page asks, and the session is still there.
		if _, err := v.p.Sessions.Current(r.WithContext(web.WithTenant(r.Context(), v.tenant))); err != nil || theirs {
			t.Fatalf("%q signs out, and leads to %q: %v", query, to, err)
		}
	})
}
