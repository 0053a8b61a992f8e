package login

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestTheTwoPagesOfTheSignInInChromium: by keyboard, back and forward, with the button that shows the password.
func TestTheTwoPagesOfTheSignInInChromium(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{
		Methods: []string{"password", "passkey", "email", "phone"}}})
	s.user("default", "jo@example.com", "", right)
	c := &chrome{s, chromiumtest.New(t)}
	without(t, c.ctx, noAutofill)
	value := func(js string) string { t.Helper(); return chromiumtest.Run(t, c.ctx, chromedp.Evaluate[string](js)) }

	c.open("/login?" + s.ask("", storage.Interaction{}))
	chromiumtest.Focuses(t, c.ctx, "login")
	chromiumtest.Submit(t, c.ctx, chromedp.KeyEvent("jo@example.com\r"))
	c.sees(english["signin.password_title"])
	c.picture("sign-in-password")
	chromiumtest.Do(t, c.ctx, chromedp.Click(chromedp.CSS("summary")))
	c.picture("sign-in-other-ways")
	for _, way := range []string{`button[value=email]`, `button[value=phone]`, ".passkey button"} {
		if !c.shows(way) {
			t.Errorf("%s is not offered", way)
		}
	}
	// The size keeps a phone from zooming in (iOS does below 16 pixels).
	if got := value(`getComputedStyle(document.getElementById("password")).fontSize`); got != "16px" {
		t.Errorf("the field has a font of %s", got)
	}

	chromiumtest.Do(t, c.ctx, chromedp.Evaluate[chromedp.Void](`document.getElementById("password").focus()`))
	chromiumtest.Do(t, c.ctx, chromedp.KeyEvent("wrong battery horse"))
	c.press(".password button")
	if got := value(`document.getElementById("password").type + document.querySelector(".password button").ariaPressed +
		document.activeElement.id`); got != "texttruepassword" {
		t.Errorf("the password is shown: %q", got)
	}
	chromiumtest.Submit(t, c.ctx, chromedp.KeyEvent("\r"))
	chromiumtest.Focuses(t, c.ctx, "password")
	if got := value(`document.getElementById("password-error").textContent +
		document.getElementById("password").type`); got != english["signin.wrong"]+"password" {
		t.Errorf("after a wrong password: %q", got)
	}
	c.picture("sign-in-wrong-password")

	// To the reset and back, then back to the name: no form is sent again, and none has to be.
	c.click(`a[href*="/forgot"]`)
	if got := value(`document.getElementById("login").value`); got != "jo@example.com" {
		t.Errorf("the reset asks for %q", got)
	}
	back := func(want string) {
		t.Helper()
		chromiumtest.Do(t, c.ctx, chromedp.Evaluate[chromedp.Void](`setTimeout(() => history.back())`))
		for range 100 { // a page that the browser has kept needs no answer of the server
			if c.heading() == want {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		c.sees(want)
	}
	back(english["signin.password_title"])
	chromiumtest.Do(t, c.ctx, chromedp.Evaluate[chromedp.Void](`document.getElementById("password").focus()`))
	chromiumtest.Submit(t, c.ctx, chromedp.KeyEvent(right+"\r"))
	if got := c.where(); got != "/authorize?i=letter-1" {
		t.Errorf("got to %s", got)
	}
}
