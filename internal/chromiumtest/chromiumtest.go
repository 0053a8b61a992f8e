// Package chromiumtest starts headless Chromium for tests that need a real browser, because only a
// browser decides what a content security policy, a cookie or a redirect does.
package chromiumtest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience bounds how long one action may take on a busy machine.
const patience = time.Minute

// New starts a browser with a new profile, and returns a context for the actions of chromedp. The
// browser ends with the test. For a second user, call New again or, which is cheaper,
// chromedp.NewContext(ctx, chromedp.WithNewBrowserContext()).
func New(t testing.TB) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path(t)),
		chromedp.NoSandbox, // containers offer no sandbox, and the pages are our own
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("no-proxy-server", true), // tests talk to this machine only
		chromedp.Flag("hide-scrollbars", true),
		chromedp.WindowSize(1280, 800),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	// The first action starts the browser, which ends with the context of that action. That context
	// must have no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	hints(t, ctx)
	return ctx
}

// browsers are the names under which a system may have Chromium, those first that take less CPU. The
// headless shell is the engine without the windows around it.
var browsers = []string{
	"chromium-headless-shell", "chrome-headless-shell",
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
}

// path returns the path of the installed Chromium, or what the environment variable CHROMIUM says. It fails the test
// without either.
func path(t testing.TB) string {
	t.Helper()
	if p := os.Getenv("CHROMIUM"); p != "" {
		return p
	}
	for _, name := range browsers {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	t.Fatal("Chromium is not installed: apt-get install chromium-headless-shell")
	return ""
}

// Do runs actions that return no value. It fails the test if one fails.
func Do(t testing.TB, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		where, _ := chromedp.Run(ctx, chromedp.Location())
		t.Fatalf("at %s: %v", where, err)
	}
}

// Run runs an action and returns its value. It fails the test if the action fails.
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

// Submit runs an action that makes the browser load another page, such as a click on a button, and
// waits until the page is loaded.
func Submit(t testing.TB, ctx context.Context, trigger chromedp.Action[chromedp.Void]) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(limited, trigger); err != nil {
		t.Fatal(err)
	}
}

// Focuses waits until the element with the id has the focus. Browsers give it when they first draw a page, which may be
// after the page is loaded. It fails the test if another element has the focus for long.
func Focuses(t testing.TB, ctx context.Context, id string) {
	t.Helper()
	focused := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		focused = Run(t, ctx, chromedp.Evaluate[string](`document.activeElement?.id ?? ""`))
		if focused == id {
			return
		}
	}
	t.Errorf("the focus is at %q, want it at %q", focused, id)
}

// Script switches the scripts of pages on or off, from the next page on. Most pages have to work
// without scripts.
func Script(t testing.TB, ctx context.Context, on bool) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: !on})
	if err != nil {
		t.Fatal(err)
	}
}

// Language makes the browser request pages in a language, as Accept-Language.
func Language(t testing.TB, ctx context.Context, lang string) {
	t.Helper()
	_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders,
		network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}})
	if err != nil {
		t.Fatal(err)
	}
}

// Scheme makes the browser prefer the colour scheme "light" or "dark".
func Scheme(t testing.TB, ctx context.Context, scheme string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
