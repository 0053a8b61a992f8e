package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
)

var pictures = flag.String("pictures", "", "write what the playground looks like into this directory")

// player is a developer at the playground.
type player struct {
	t   *testing.T
	ctx context.Context
}

func (p *player) click(selector string) {
	p.t.Helper()
	chromiumtest.Do(p.t, p.ctx, chromedp.Click(chromedp.CSS(selector)))
}

// steps waits until there are n steps, and gives what they say.
func (p *player) steps(n int) string {
	p.t.Helper()
	chromiumtest.Do(p.t, p.ctx, chromedp.WaitVisible(chromedp.CSS("#steps > li:nth-child("+string(rune('0'+n))+")")))
	return chromiumtest.Run(p.t, p.ctx, chromedp.TextContent(chromedp.CSS("#steps")))
}

// well complains of steps that went wrong and of those that say too little.
func (p *player) well(steps string, want ...string) {
	p.t.Helper()
	if bad := chromiumtest.Run(p.t, p.ctx,
		chromedp.Evaluate[string](
			`[...document.querySelectorAll("#steps .bad")].map((e) => e.textContent).join("\n")`)); bad != "" {
		p.t.Errorf("went wrong: %s", bad)
	}
	for _, w := range want {
		if !strings.Contains(steps, w) {
			p.t.Errorf("%q is not shown:\n%s", w, steps)
		}
	}
}

func (p *player) picture(name string, width, height int64) {
	p.t.Helper()
	chromiumtest.Do(p.t, p.ctx, chromedp.EmulateViewport(width, height))
	if over := chromiumtest.Run(p.t, p.ctx,
		chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); over > width {
		p.t.Errorf("%s is %d pixels wide on a screen of %d", name, over, width)
	}
	if cut := chromiumtest.Run(p.t, p.ctx,
		chromedp.Evaluate[string](`[...document.querySelectorAll("pre")].filter((e) => e.scrollWidth > `+
			`e.clientWidth).map((e) => e.textContent).join("\n")`)); cut != "" {
		p.t.Errorf("%s cuts off lines of %s", name, cut)
	}
	chromiumtest.Accessible(p.t, p.ctx, name)
	for _, scheme := range []string{"light", "dark"} {
		if *pictures == "" {
			continue
		}
		chromiumtest.Scheme(p.t, p.ctx, scheme)
		png := chromiumtest.Run(p.t, p.ctx, chromedp.FullScreenshot(100))
		if err := os.WriteFile(filepath.Join(*pictures, name+"-"+scheme+".png"), png, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	chromiumtest.Scheme(p.t, p.ctx, "light")
	chromiumtest.Do(p.t, p.ctx, chromedp.ResetViewport())
}

func TestPlayground(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	r := sh.serve(t)
	if _, errs, code := sh.run(t, "correct horse battery staple", "user", "add", "jo@example.com", "--name", "Jo Doe",
		"--verified", "--password-stdin"); code != 0 {
		t.Fatal(errs)
	}
	p := &player{t, chromiumtest.New(t)}
	chromiumtest.Do(t, p.ctx, chromedp.Navigate(r.issuer+"/dev"))
	p.picture("playground-empty", 1280, 800)
	p.picture("playground-phone", 390, 780)

	// Authorization code and PKCE, with consent, to verified tokens.
	p.click(`[value="offline_access"]`)
	p.click("#request .primary")
	chromiumtest.Do(t, p.ctx, chromedp.WaitVisible(chromedp.ID("login")))
	chromiumtest.Submit(t, p.ctx, chromedp.SendKeys(chromedp.ID("login"), "jo@example.com\n"))
	chromiumtest.Do(t, p.ctx, chromedp.SendKeys(chromedp.ID("password"), "correct horse battery staple"))
	p.click("button.primary")
	chromiumtest.Do(t, p.ctx, chromedp.WaitVisible(chromedp.CSS(`[value="allow"]`)))
	p.click(`[value="allow"]`)
	p.well(p.steps(3), "code_challenge_method", "state matches the request",
		"iss is the expected issuer", "code_verifier",
		"signed with RS256 by the published key", "signed with ES256 by the published key", "nonce matches the request",
		"at_hash matches the access token", "aud is this client")
	p.picture("playground-tokens", 1280, 800)
	p.picture("playground-tokens-phone", 390, 780)

	p.click("#userinfo")
	p.well(p.steps(4), `"Jo Doe"`, `"jo@example.com"`)
	p.click("#refresh")
	p.well(p.steps(5), "The client exchanges the refresh token for new tokens")

	// A denial is seen at once, though its step is far below, and without the buttons that
	// are for the tokens of before.
	chromiumtest.Do(t, p.ctx, chromedp.SetValue(chromedp.CSS(`[name="prompt"]`), "consent"))
	p.click("#request .primary")
	chromiumtest.Do(t, p.ctx, chromedp.WaitVisible(chromedp.CSS(`[value="deny"]`)))
	p.click(`[value="deny"]`)
	p.steps(7)
	if said := chromiumtest.Run(t, p.ctx, chromedp.Text(chromedp.ID("said"))); !strings.Contains(said, "access_denied") {
		t.Errorf("denied: got %q", said)
	}
	for what, is := range map[string]string{
		"the outcome is in view": `(({top, bottom}) => top >= 0 && bottom <= ` +
			`innerHeight)(document.getElementById("said").getBoundingClientRect())`,
		"there is nothing to revoke": `document.getElementById("revoke").hidden`,
	} {
		if !chromiumtest.Run(t, p.ctx, chromedp.Evaluate[bool](is)) {
			t.Errorf("denied: it is not so that %s", what)
		}
	}
	p.picture("playground-denied", 1280, 800)
	p.click("#said a")
	p.click("#clear")
	chromiumtest.Do(t, p.ctx, chromedp.SetValue(chromedp.CSS(`[name="prompt"]`), ""))
	p.click("#request .primary")
	p.steps(3)

	// Signing out leads back; then no user is signed in, and the error is shown as one.
	p.click("#signout")
	p.well(p.steps(5), "Signed out and back here")
	chromiumtest.Do(t, p.ctx, chromedp.SetValue(chromedp.CSS(`[name="prompt"]`), "none"))
	p.click("#request .primary")
	if got := p.steps(7); !strings.Contains(got, "login_required") {
		t.Errorf("prompt=none: got %s", got)
	}
	p.click("#clear")
	chromiumtest.Do(t, p.ctx, chromedp.WaitNotPresent(chromedp.CSS("#steps > li")))
}
