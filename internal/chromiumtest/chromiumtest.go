// Package chromiumtest starts headless Chromium for the tests that need a real
// browser: what a policy, a cookie or a redirect does is decided there.
package chromiumtest

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience is how long one action may take on a busy machine.
const patience = time.Minute

// New starts a browser with a profile of its own, and gives a context for chromedp's
// actions. The browser goes when the test ends. A second person is a New, or cheaper
// chromedp.NewContext(ctx, chromedp.WithNewBrowserContext()).
func New(t testing.TB) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path(t)),
		chromedp.NoSandbox, // containers have none to give, and the pages are ours
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("no-proxy-server", true), // everything that tests talk to is here
		chromedp.Flag("hide-scrollbars", true),
		chromedp.WindowSize(1280, 800),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	// The first action starts the browser, which lives as long as that action's
	// context: it must have no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

func path(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	t.Fatal("Chromium is not installed: apt-get install chromium")
	return ""
}

// Do runs actions that return nothing, and fails the test when one does.
func Do(t testing.TB, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		where, _ := chromedp.Run(ctx, chromedp.Location())
		t.Fatalf("at %s: %v", where, err)
	}
}

// Run runs an action and gives what it returns.
func Run[T any](t testing.TB, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v, err := chromedp.Run(limited, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Submit does something that makes the browser load another page, such as a click on
// a button, and waits until it has.
func Submit(t testing.TB, ctx context.Context, trigger chromedp.Action[chromedp.Void]) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(limited, trigger); err != nil {
		t.Fatal(err)
	}
}

// Script switches the page's own scripts on or off, from the next page on. Most of
// what people are shown has to work without.
func Script(t testing.TB, ctx context.Context, on bool) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	if err != nil {
		t.Fatal(err)
	}
}

// Language makes the browser ask for pages in a language.
func Language(t testing.TB, ctx context.Context, lang string) {
	t.Helper()
	_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}})
	if err != nil {
		t.Fatal(err)
	}
}

// Scheme makes the browser prefer "light" or "dark" colours.
func Scheme(t testing.TB, ctx context.Context, scheme string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
