package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
)

// app is a single-page app on an origin of its own, and the browser that runs it.
type app struct {
	server *httptest.Server
	issuer atomic.Pointer[string]
	ctx    context.Context
}

// serveApp serves the app; the issuer is set before it is opened.
func serveApp(t *testing.T) *app {
	t.Helper()
	libraries(t)
	a := &app{}
	mux := http.NewServeMux()
	file := func(path, name string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	}
	file("/{$}", "spa/page.html")
	file("/callback", "spa/page.html")
	file("/app.js", "spa/app.js")
	file("/oidc-client-ts.min.js", "npm/node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js")
	mux.HandleFunc("GET /settings.json", func(w http.ResponseWriter, _ *http.Request) {
		// The access token lives a minute: the library renews it a few seconds after it came.
		_, _ = fmt.Fprintf(w, `{"authority":%q,"client_id":"app","accessTokenExpiringNotificationTimeInSeconds":56}`,
			*a.issuer.Load())
	})
	a.server = httptest.NewServer(mux)
	t.Cleanup(a.server.Close)
	return a
}

// client is how the app is registered.
func (a *app) client() vouchsafetest.Client {
	origin := a.server.URL
	return vouchsafetest.Public.With(vouchsafetest.Client{
		"client_id": "app", "redirect_uris": []string{origin + "/callback"},
		"post_logout_redirect_uris": []string{origin + "/"},
		"allowed_cors_origins":      []string{origin}, "access_token_lifetime": "1m",
	})
}

// appState is what the app says of itself.
type appState struct {
	At, Email, Subject string
	Renewed            int
	Errors             []string
}

// wait waits until the app says so.
func (a *app) wait(t *testing.T, what string, is func(appState) bool) appState {
	t.Helper()
	var state appState
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var text string
		limited, cancel := context.WithTimeout(a.ctx, 5*time.Second)
		text, err := chromedp.Run(limited, chromedp.Evaluate[string](`document.getElementById("state")?.textContent ?? ""`))
		cancel()
		if err == nil && strings.HasPrefix(text, "{") {
			if err := json.Unmarshal([]byte(text), &state); err != nil {
				t.Fatal(err)
			}
			if len(state.Errors) > 0 {
				t.Fatalf("waiting for %s: the app says %v", what, state.Errors)
			}
			if is(state) {
				return state
			}
		}
		if time.Now().After(end) {
			where := chromiumtest.Run(t, a.ctx, chromedp.Location())
			t.Fatalf("waited for %s in vain: at %s the app says %q (%v)", what, where, text, err)
		}
	}
}

// at waits until the browser shows a page of the provider.
func (a *app) at(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		where := chromiumtest.Run(t, a.ctx, chromedp.Location())
		if strings.HasPrefix(where, *a.issuer.Load()+path) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %s, want %s of the provider", where, path)
		}
	}
}

func TestOidcClientTSInAnApp(t *testing.T) {
	for name, o := range map[string]vouchsafetest.Options{"embedded": {}, "production": {Production: true},
		"replicas": {Replicas: 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := serveApp(t)
			o.Clients = []vouchsafetest.Client{a.client()}
			s := vouchsafetest.Start(t, o)
			a.issuer.Store(&s.Issuer)
			a.ctx = chromiumtest.New(t)
			// The certificate of the production server was made here.
			if _, err := chromedp.Call(a.ctx, security.SetIgnoreCertificateErrors,
				security.SetIgnoreCertificateErrorsParams{Ignore: true}); err != nil {
				t.Fatal(err)
			}
			a.lifeOfASession(t, s)
		})
	}
}

// lifeOfASession signs in, lets the library renew by refresh token behind the page's
// back, and signs out.
func (a *app) lifeOfASession(t *testing.T, s *vouchsafetest.Server) {
	jo := s.Jo(t)
	do := func(actions ...chromedp.Action[chromedp.Void]) { t.Helper(); chromiumtest.Do(t, a.ctx, actions...) }
	do(chromedp.Navigate(a.server.URL))
	a.wait(t, "the app", func(s appState) bool { return s.At == "signed out" })

	do(chromedp.Click(chromedp.ID("in")))
	a.at(t, "/login")
	chromiumtest.Submit(t, a.ctx, chromedp.SendKeys(chromedp.ID("login"), jo.Email+"\n"))
	do(chromedp.SendKeys(chromedp.ID("password"), jo.Password+"\n"))
	in := a.wait(t, "the sign-in", func(s appState) bool { return s.At == "signed in" })
	if in.Email != jo.Email || in.Subject == "" {
		t.Errorf("got %+v, want the claims of user info", in)
	}

	renewed := a.wait(t, "the silent renewal", func(s appState) bool { return s.Renewed >= 1 })
	if renewed.Subject != in.Subject {
		t.Errorf("got sub %s after the renewal, want %s", renewed.Subject, in.Subject)
	}
	// The renewed token is alive, and user info may be read from the page.
	access := chromiumtest.Run(t, a.ctx,
		chromedp.Evaluate[string](`JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage).find(k => `+
			`k.startsWith("oidc.user:")))).access_token`))
	if info := s.API(t).Userinfo(t, access); info.String("email") != jo.Email {
		t.Errorf("user info with the renewed token: got %d %s", info.Status, info.Raw)
	}

	do(chromedp.Click(chromedp.ID("out")))
	a.wait(t, "the sign-out", func(s appState) bool { return s.At == "signed out" })
	if where := chromiumtest.Run(t, a.ctx, chromedp.Location()); where != a.server.URL+"/" {
		t.Errorf("got %s after signing out, want the app", where)
	}
	if info := s.API(t).Userinfo(t, access); info.Status != http.StatusUnauthorized {
		t.Errorf("user info after signing out: got %d, want 401", info.Status)
	}
	// The provider's session is over too: it asks again.
	do(chromedp.Click(chromedp.ID("in")))
	a.at(t, "/login")
}
