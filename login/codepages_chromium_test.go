package login

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestSigningInByCodeInChromium walks through what the methods of a tenant switch on, with
// no scripts.
func TestSigningInByCodeInChromium(t *testing.T) {
	t.Parallel()
	s := byPhone(t, storage.MethodPassword, storage.MethodEmail, storage.MethodPhone)
	s.verified("jo@example.com", "jo", right)
	c := &chrome{s, chromiumtest.New(t)}
	chromiumtest.Script(t, c.ctx, false)
	look := func(name string) {
		t.Helper()
		c.picture(name)
		chromiumtest.Accessible(t, c.ctx, name)
	}
	c.open("/login?other=1")
	look("signin-methods")
	c.fill("login", "jo")
	c.click("#signin .primary")
	chromiumtest.Do(t, c.ctx, chromedp.Click(chromedp.CSS("summary")))
	look("signin-other-ways")
	c.click("button[name=by][value=email]")
	c.sees("Check your email")
	look("signin-enter")
	c.fill("code", "12345678")
	c.click("button.primary")
	look("signin-enter-wrong")
	m := s.mails.Next(t, "jo@example.com")
	c.open(s.visitor().path(m))
	look("signin-link")
	c.click("button.primary")
	c.sees("Your account")

	c.open("/account/phone")
	look("account-phone")
	c.fill("phone", "+49 30 12345678")
	c.click("button.primary")
	look("account-phone-refused")
	c.fill("phone", "+49 170 1234567")
	c.click("button.primary")
	c.sees("Check your phone")
	look("account-phone-confirm")
	c.fill("code", s.texts.next(t, mobile))
	c.click("button.primary")
	c.sees("Your account")
	c.open("/account/phone")
	look("account-phone-set")

	c.open("/login/code")
	look("signin-code")
	c.fill("login", mobile)
	c.click("button[name=by][value=phone]")
	c.sees("Check your phone")
	look("signin-phone")
	c.fill("code", s.texts.next(t, mobile))
	c.click("button.primary")
	c.sees("Your account")
}
