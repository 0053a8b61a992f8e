package clients

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
)

// TestBrowserExamples: the browser apps of docs/clients-javascript.md, bundled by esbuild as a
// developer would, sign Jo in and greet Jo.
func TestBrowserExamples(t *testing.T) {
	libraries(t)
	bundler, err := filepath.Abs("npm/node_modules/.bin/esbuild")
	if err != nil {
		t.Fatal(err)
	}
	for heading, entry := range map[string]string{
		"## oidc-client-ts":     "app.js",
		"## react-oidc-context": "app.jsx",
		"## AppAuth-JS":         "app.js",
	} {
		t.Run(heading[3:], func(t *testing.T) {
			t.Parallel()
			s := vouchsafetest.Shared(t)
			app := s.Example(t, vouchsafetest.ReadSection(t, javaScriptPage, heading))
			dir := withLibraries(t, "npm")
			app.Write(t, dir)
			// The bundle has the same name and must not overwrite the source.
			site := filepath.Join(dir, "site")
			if err := os.MkdirAll(site, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, "index.html"), filepath.Join(site, "index.html")); err != nil {
				t.Fatal(err)
			}
			app.Start(t, dir, nil, bundler, entry, "--bundle", "--format=esm", "--jsx=automatic",
				"--outdir="+site, "--servedir="+site, "--serve=localhost:"+app.Port)
			signInAtApp(t, s, app)
		})
	}
}

// signInAtApp presses the app's button in Chromium, and fills in the pages that follow
// until the app greets Jo.
func signInAtApp(t *testing.T, s *vouchsafetest.Server, app *vouchsafetest.Example) {
	t.Helper()
	ctx, jo := chromiumtest.New(t), s.Jo(t)
	chromiumtest.Do(t, ctx,
		chromedp.Navigate(app.URL+"/"), chromedp.WaitVisible(chromedp.ID("sign-in")), chromedp.Click(chromedp.ID("sign-in")),
		chromedp.WaitVisible(chromedp.ID("login")))
	chromiumtest.Submit(t, ctx, chromedp.SendKeys(chromedp.ID("login"), jo.Email+"\n"))
	chromiumtest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("password"), jo.Password+"\n"),
		chromedp.WaitVisible(chromedp.CSS(`button[value="allow"]`)), chromedp.Click(chromedp.CSS(`button[value="allow"]`)))
	greets(t, ctx, app)
}

func greets(t *testing.T, ctx context.Context, app *vouchsafetest.Example) {
	t.Helper()
	const patience = time.Minute
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		said, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.host + " " + (document.body?.innerText ?? "")`))
		if err == nil && strings.Contains(said, "localhost:"+app.Port) && strings.Contains(said, hello) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the app does not greet Jo: %q %v", said, err)
		}
	}
}
