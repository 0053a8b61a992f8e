package login

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestSecondFactorsInChromium sets an app up, signs in with it, has the device remembered
// and switches it off again, without scripts.
func TestSecondFactorsInChromium(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "jo", right)
	q := s.ask("", storage.Interaction{Client: storage.Client{ClientID: "app", ClientName: "Paper Boats"},
		ACR: storage.ACRMultiFactor})
	c := &chrome{s, chromiumtest.New(t)}
	chromiumtest.Script(t, c.ctx, false)
	text := func(selector string) string {
		t.Helper()
		return chromiumtest.Run(t, c.ctx, chromedp.Text(chromedp.CSS(selector)))
	}
	password := func(path string) {
		t.Helper()
		c.open(path)
		c.fill("login", "jo@example.com")
		c.click("#signin .primary")
		c.fill("password", right)
		c.click("form:not(.passkey) button.primary")
	}

	password("/login?" + q)
	c.sees("Set up an authenticator app")
	if got := chromiumtest.Run(t, c.ctx, chromedp.Evaluate[int](`document.querySelector(".qr").naturalWidth`)); got < 150 {
		t.Errorf("the QR code is %d pixels wide", got)
	}
	c.picture("second-factor-setup")
	c.fill("code", "000000")
	c.click("button.primary")
	c.picture("second-factor-setup-wrong")
	jo := &phone{site: s, user: user, secret: strings.ReplaceAll(text(".secret"), " ", "")}
	c.fill("code", jo.shows())
	c.click("button.primary")
	c.sees("Save your recovery codes")
	c.picture("recovery-codes")
	c.click("a.primary")
	if got := c.where(); got != "/authorize?"+q {
		t.Errorf("got to %s", got)
	}
	c.open("/account/second-factor")
	c.sees("Two-step verification")
	c.picture("account-second-factor")

	c.open("/signout")
	c.click("button.primary")
	jo.waits()
	password("/login")
	c.sees(english["factor.title"])
	c.picture("second-factor")
	c.fill("code", jo.wrong())
	c.click("button.primary")
	c.picture("second-factor-wrong")
	c.click(`a[href*="recovery=1"]`)
	c.picture("second-factor-recovery")
	c.click(`nav a[href="/second-factor"]`)
	c.fill("code", jo.shows())
	chromiumtest.Do(t, c.ctx, chromedp.Click(chromedp.ID("remember")))
	c.click("button.primary")
	c.sees("Your account")
	c.open("/account/second-factor")
	c.picture("account-second-factor-device")
	chromiumtest.Do(t, c.ctx, chromedp.Click(chromedp.CSS("summary.danger")))
	c.picture("account-second-factor-question")
	c.click(`button[value="off"]`)
	c.picture("account-second-factor-off")
	c.sees("Two-step verification")
	if got := text(".done"); got != english["factors.done_off"] {
		t.Errorf("got %q", got)
	}
	strong := s.ask("", storage.Interaction{ACR: storage.ACRPhishingResistant})
	c.open("/second-factor?" + strong)
	c.picture("second-factor-unreachable")
}
