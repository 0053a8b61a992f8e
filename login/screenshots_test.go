package login

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/storage"
)

var picturesOf = flag.String("pages", "", "write only the pictures whose names match this regular expression")

// TestScreenshots writes what every page looks like on a phone and on a desk, in light and dark mode and
// in the languages with the longest words. It checks nothing: make screenshots runs it for the eye.
func TestScreenshots(t *testing.T) {
	if *pictures == "" {
		t.Skip("make screenshots runs it")
	}
	t.Parallel()
	s := passkeySite(t, func(c *Config) {
		free(c)
		c.Rules.ResendAfter = 30 * time.Second
		for _, preset := range []string{"google", "apple", "microsoft", "github", "facebook", "discord"} {
			c.Service.StandIns = append(c.Service.StandIns,
				storage.Upstream{ID: preset, Preset: preset, ClientID: "c"})
		}
	})
	jo := s.user("default", "jo@example.com", "jo", right)
	s.enrolled("mo@example.com")
	s.settle("default", storage.TenantSettings{APIs: []storage.API{{
		Identifier: "https://orders.example", Scopes: []storage.APIScope{{Name: "orders:write",
			Consent: map[string]string{"en": "Change your orders", "de": "Ihre Bestellungen ändern"}}}}}})
	s.acme(storage.Branding{Accent: "#ffcc00", PrivacyURI: "https://acme.example/privacy",
		ImprintURI: "https://acme.example/imprint"})
	if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "rockets", Name: "Acme Rockets",
		Settings: storage.TenantSettings{Branding: storage.Branding{Accent: "#c2410c", Background: "#fff7ed"}}}); err != nil {
		t.Fatal(err)
	}
	must(t, s.store.AddTenant(t.Context(), storage.Tenant{ID: "strict", Name: "Strict", Settings: storage.TenantSettings{
		SecondFactor: storage.SecondFactorSettings{Require: storage.SecondFactorAlways}}}))
	s.user("strict", "jo@example.com", "", right)
	must(t, s.store.AddTenant(t.Context(), storage.Tenant{ID: "codes", Name: "Codes", Settings: storage.TenantSettings{
		SignIn: storage.SignInSettings{Methods: []string{storage.MethodEmail, storage.MethodPasskey}}}}))
	s.user("codes", "jo@example.com", "", "")
	in := storage.Interaction{Client: storage.Client{ClientID: "app", ClientName: "Paper Boats"},
		Scopes: []string{"openid", "profile", "email", "orders:write", "offline_access"}, Claims: []string{"phone_number"}}
	c := &chrome{s, chromiumtest.New(t)}
	c.screenshots("nobody", s.ask("", in), append(s.pagePaths(),
		"/t/rockets/login", "/t/acme/login", "/t/codes/login", "/t/codes/signup", "/t/rockets/setup"))
	for _, lang := range screenshotLanguages {
		chromiumtest.Language(t, c.ctx, lang)
		c.onTheWay(lang)
		c.refused(lang)
		c.withApp(lang)
		c.mayNot(lang, jo)
	}
	walk := &chrome{walkSite(t).site, c.ctx}
	for _, lang := range screenshotLanguages {
		(&pageWalk{walk, lang, func(name string) { walk.draw("walk-"+name, lang) }}).everywhere()
	}
	for _, who := range []string{"mo", "jo"} { // mo is half signed in: what follows is a page of the second factor
		chromiumtest.Language(t, c.ctx, "en")
		q := s.ask("", in)
		c.open("/login?other=1&" + q)
		c.fill("login", who+"@example.com")
		c.click("#signin .primary")
		c.fill("password", right)
		c.click("#signin .primary")
		c.screenshots(who, q, s.pagePaths())
	}
}

// screenshotLanguages are English, and those with the longest words.
var screenshotLanguages = []string{"en", "de", "ru"}

// onTheWay writes what the pages look like that a browser sees after a form only.
func (c *chrome) onTheWay(lang string) {
	c.t.Helper()
	c.open("/signup")
	c.fill("email", lang+"@example.com")
	c.fill("password", fresh)
	c.click("main form .primary")
	c.draw("way-signup-confirm", lang)
	c.fill("code", "1234")
	c.click("main form .primary")
	c.draw("way-signup-confirm-wrong", lang)
	c.sendAgain(lang)
	c.open("/forgot")
	c.fill("login", "jo")
	c.click("main form .primary")
	c.draw("way-reset", lang)
	c.open("/login?other=1")
	c.fill("login", "jo")
	c.click("#signin .primary")
	c.draw("way-password", lang)
	c.fill("password", "wrong")
	c.click("#signin .primary")
	c.draw("way-password-wrong", lang)
	c.open("/t/codes/login?other=1")
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	c.draw("way-signin-code", lang)
	c.open("/t/strict/login?other=1")
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("#signin .primary")
	c.draw("way-enrol-choice", lang)
	c.open(c.where() + "?app=1")
	c.draw("way-enrol-app", lang)
}

// sendAgain writes what a page that asks for a code says after it has sent another, and to a user who wants one more
// too soon.
func (c *chrome) sendAgain(lang string) {
	c.t.Helper()
	c.login.ResendAfter = 1 // as if the user had waited
	c.open(c.where())
	c.click("button[name=resend]")
	c.login.ResendAfter = 30 * time.Second
	c.open(c.where())
	c.draw("way-signup-sent-again", lang)
	c.click("button[name=resend]")
	c.draw("way-signup-too-soon", lang)
}

// refused writes pages that say what is wrong, and that a user has to wait.
func (c *chrome) refused(lang string) {
	c.t.Helper()
	for name, path := range map[string]string{"request": "/login?i=nonsense", "link": "/signup/confirm?token=nonsense",
		"reset": "/reset?token=nonsense", "setup": "/setup?token=nonsense"} {
		c.open(path)
		c.draw("refused-"+name, lang)
	}
	c.open("/login?other=1")
	c.fill("login", "wait-"+lang+"@example.com")
	c.click("#signin .primary")
	for range 6 {
		c.fill("password", "wrong")
		c.click("#signin .primary")
	}
	c.draw("refused-wait", lang)
	expired := c.user("default", "old-"+lang+"@example.com", "", right)
	c.expires(expired)
	c.open("/login?other=1")
	c.fill("login", expired.Email)
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("#signin .primary")
	c.draw("refused-old-password", lang)
}

// withApp writes pages of a user with an authenticator app, a passkey and a trusted device.
func (c *chrome) withApp(lang string) {
	c.t.Helper()
	p := c.enrolled("app-" + lang + "@example.com")
	c.passkey(p.user, passkeytest.New(c.t, c.url))
	c.open("/login?other=1")
	c.fill("login", p.user.Email)
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("#signin .primary")
	c.draw("app-second-factor", lang)
	c.open("/second-factor?recovery=1")
	c.fill("code", "wrong")
	c.click("main form .primary")
	c.draw("app-recovery-wrong", lang)
	c.open("/second-factor")
	c.fill("code", p.shows())
	chromiumtest.Do(c.t, c.ctx, chromedp.Click(chromedp.ID("remember")))
	c.click("main form .primary")
	c.visitor().signIn("jo", right)
	for _, page := range []string{"", "/second-factor", "/passkeys", "/sessions", "/activity", "/identities"} {
		c.open("/account" + page)
		c.draw("app-account"+strings.ReplaceAll(page, "/", "-"), lang)
	}
	c.open("/account/second-factor")
	chromiumtest.Submit(c.t, c.ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("[value=codes]").click()`))
	c.draw("app-new-codes", lang)
	c.open("/signout")
	c.click("main form .primary")
}

// mayNot writes what a user sees who may not use an app, and one who has devices and apps.
func (c *chrome) mayNot(lang string, u storage.User) {
	c.t.Helper()
	c.open("/login?other=1")
	c.fill("login", u.Email)
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("#signin .primary")
	for name, allow := range map[string]storage.ClientAllow{"group": {Groups: []string{"staff"}},
		"email": {VerifiedEmail: true}} {
		c.open("/no-access?" + c.ask("", storage.Interaction{Client: storage.Client{ClientID: "app",
			ClientName: "Paper Boats", Allow: allow, Contacts: []string{"help@boats.example"}}}))
		c.draw("no-access-"+name, lang)
	}
	c.open("/account/sessions")
	c.draw("devices", lang)
	c.open("/signout")
	c.click("main form .primary")
}

// screenshots writes what the pages look like that a browser in this state can open.
func (c *chrome) screenshots(who, query string, paths []string) {
	c.t.Helper()
	for _, lang := range screenshotLanguages {
		chromiumtest.Language(c.t, c.ctx, lang)
		for _, path := range paths {
			name := who + strings.ReplaceAll(path, "/", "-")
			if !c.wanted(name) {
				continue
			}
			c.open(path + "?token=setup-default&" + query)
			if strings.HasPrefix(c.where(), path+"?") { // else another page, which has its turn
				c.draw(name, lang)
			}
		}
	}
}

// wanted reports whether pictures of that name are to be written.
func (c *chrome) wanted(name string) bool {
	c.t.Helper()
	ok, err := regexp.MatchString(*picturesOf, name)
	if err != nil {
		c.t.Fatal(err)
	}
	return ok
}

// draw writes what the page looks like that the browser shows.
func (c *chrome) draw(name, lang string) {
	c.t.Helper()
	if !c.wanted(name) {
		return
	}
	for size, width := range map[string]int64{"390": 390, "1280": 1280} {
		c.resize(width, 800)
		for _, scheme := range []string{"light", "dark"} {
			chromiumtest.Scheme(c.t, c.ctx, scheme)
			file := strings.Join([]string{name, lang, size, scheme}, "_") + ".png"
			picture := chromiumtest.Run(c.t, c.ctx, chromedp.FullScreenshot(100))
			if err := os.WriteFile(filepath.Join(*pictures, file), picture, 0o644); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}
