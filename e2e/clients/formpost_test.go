package clients

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
)

// TestFormPostInChromium: only a real browser shows how a content security policy affects forms
// that lead to another site, and the script of the form_post page. The client belongs to another
// company, so that the way has all pages: sign-in, consent, response.
func TestFormPostInChromium(t *testing.T) {
	for name, production := range map[string]bool{"embedded": false, "production": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = fmt.Fprintf(w, `<p id="got">%s %s</p>`, r.Method, html.EscapeString(r.PostFormValue("state")))
			}))
			t.Cleanup(client.Close)
			c := vouchsafetest.Third.With(vouchsafetest.Client{"client_id": "poster",
				"redirect_uris": []string{client.URL + "/callback"}})
			s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Clients: []vouchsafetest.Client{c}})
			ctx := chromiumtest.New(t)
			if _, err := chromedp.Call(ctx, security.SetIgnoreCertificateErrors,
				security.SetIgnoreCertificateErrorsParams{Ignore: true}); err != nil {
				t.Fatal(err)
			}
			for i, script := range []bool{true, false} {
				chromiumtest.Script(t, ctx, script)
				state := fmt.Sprintf(`state-%d "<&>'`, i)
				r := vouchsafetest.NewRequest(c, "response_mode", "form_post", "state", state, "prompt",
					"login consent", "ui_locales", "de")
				chromiumtest.Do(t, ctx, chromedp.Navigate(s.Issuer+r.Path()))
				if i == 0 {
					chromiumtest.Submit(t, ctx, chromedp.SendKeys(chromedp.ID("login"), s.Jo(t).Email+"\n"))
				} // later the page knows the user
				chromiumtest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("password"), s.Jo(t).Password))
				chromiumtest.Submit(t, ctx, chromedp.Click(chromedp.CSS("#signin .primary")))
				allow := chromedp.Click(chromedp.CSS(`button[value="allow"]`))
				if script {
					chromiumtest.Do(t, ctx, allow)
				} else {
					// Wait for the page first: the page before it has such a button, too.
					chromiumtest.Submit(t, ctx, allow)
					const step = "Noch ein Schritt, dann sind Sie zurück in der App."
					if got := chromiumtest.Run(t, ctx, chromedp.TextContent(chromedp.CSS("noscript p"))); got != step {
						t.Errorf("without scripts: got %q, want %q", got, step)
					}
					chromiumtest.Do(t, ctx, chromedp.Click(chromedp.CSS("noscript button, form button")))
				}
				chromiumtest.Do(t, ctx, chromedp.WaitReady(chromedp.ID("got")))
				if got := chromiumtest.Run(t, ctx, chromedp.TextContent(chromedp.ID("got"))); got != "POST "+state {
					t.Errorf("with scripts %v: the client got %q, want %q by POST", script, got, state)
				}
			}
		})
	}
}
