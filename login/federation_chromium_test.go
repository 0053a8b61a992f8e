package login

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Coming from a provider works without scripts, with the cookies that a browser really
// sends: by redirect, by a form that another site posts, and back after a no.
func TestComingFromAProviderInChromium(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.Facebook, fakeidp.Apple)
	f.follow = false
	f.verified(f.user(storage.DefaultTenant, "jo@example.com", "", right))
	c := &chrome{f.site, chromiumtest.New(t)}
	chromiumtest.Script(t, c.ctx, false)
	// In every language the page stays what it is, and as wide as a narrow phone.
	everywhere := func() {
		t.Helper()
		c.resize(320, 640)
		for _, lang := range slices.Backward(texts.Languages()) { // English last
			chromiumtest.Language(t, c.ctx, lang)
			chromiumtest.Do(t, c.ctx, chromedp.Reload())
			if got := chromiumtest.Run(t, c.ctx,
				chromedp.Evaluate[string](
					`document.documentElement.lang + " " + document.documentElement.scrollWidth`)); got != lang+" 320" {
				t.Errorf("%s: got %q, want %q", c.where(), got, lang+" 320")
			}
		}
		c.resize(1280, 800)
	}
	pick := func(name string) { c.click(`form:has(input[name="name"][value="` + name + `"]) button.person`) }

	c.open("/login?" + f.ask("", storage.Interaction{}))
	c.picture("upstreams-signin")
	c.click(`a[href^="/upstream/google"]`)
	c.sees("Choose a test account")
	c.picture("upstreams-fake")
	chromiumtest.Do(t, c.ctx, chromedp.Reload()) // laid out for the screen that it is on now
	c.click(`form:has(input[name="cancel"]) button`)
	if got := chromiumtest.Run(t, c.ctx, chromedp.Text(chromedp.CSS(".alert"))); got != "You didn’t sign in with Google." {
		t.Errorf("after a no: got %q", got)
	}
	c.picture("upstreams-denied")
	everywhere()

	// There is an account with the address: it is proven, then linked.
	c.click(`a[href^="/upstream/google"]`)
	pick("Jo Doe")
	c.sees("You already have an account")
	c.picture("upstreams-account")
	everywhere()
	c.click("a.button.primary")
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click(`form[action="/login"] button.primary`)
	c.sees("Add another way to sign in?")
	c.picture("upstreams-link")
	everywhere()
	c.click(`button[value="link"]`)
	if got := c.where(); got != "/authorize?i=letter-1" {
		t.Errorf("after the link: at %s", got)
	}
	c.open("/account/identities")
	c.sees("Linked accounts")
	c.picture("upstreams-identities")

	// From the account page, through the form's redirect, and by a form that is posted back.
	c.click(`button[value="apple"]`)
	c.sees("Choose a test account")
	pick("Sam Poe")
	c.sees("Continue")
	c.click("button.primary")
	c.sees("Linked accounts")
	if ids := f.identities(storage.DefaultTenant, "jo@example.com"); len(ids) != 2 {
		t.Errorf("got %+v", ids)
	}
	c.picture("upstreams-linked")
	everywhere()

	// Signed out, the posted answer signs in.
	c.open("/signout")
	c.click("button.primary")
	c.open("/login")
	c.click(`a[href^="/upstream/apple"]`)
	pick("Sam Poe")
	c.click("button.primary")
	c.sees("Your account")

	// An address that the provider does not vouch for is confirmed by a code.
	c.open("/signout")
	c.click("button.primary")
	c.open("/login")
	c.click(`a[href^="/upstream/facebook"]`)
	pick("Robin Roe")
	c.sees("Confirm your email address")
	c.picture("upstreams-email")
	everywhere()
	c.click("button.primary")
	c.sees("Enter the code")
	c.picture("upstreams-code")
	everywhere()
	m := f.mails.Next(t, "robin@example.com")
	chromiumtest.Do(t, c.ctx, chromedp.Navigate(m.Link))
	c.picture("upstreams-mail-link")
	everywhere()
	c.click("button.primary")
	c.sees("Your account")
}
