package login

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
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
	s := passkeySite(t, free)
	s.user("default", "jo@example.com", "jo", right)
	s.enrolled("mo@example.com")
	s.acme(storage.Branding{Accent: "#ffcc00", PrivacyURI: "https://acme.example/privacy",
		ImprintURI: "https://acme.example/imprint"})
	if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "rockets", Name: "Acme Rockets",
		Settings: storage.TenantSettings{Branding: storage.Branding{Accent: "#c2410c", Background: "#fff7ed"}}}); err != nil {
		t.Fatal(err)
	}
	must(t, s.store.AddTenant(t.Context(), storage.Tenant{ID: "strict", Name: "Strict", Settings: storage.TenantSettings{
		SecondFactor: storage.SecondFactorSettings{Require: storage.SecondFactorAlways}}}))
	s.user("strict", "jo@example.com", "", right)
	in := storage.Interaction{Client: storage.Client{ClientID: "app", ClientName: "Paper Boats"},
		Scopes: []string{"openid", "profile", "email", "offline_access"}, Claims: []string{"phone_number"}}
	c := &chrome{s, chromiumtest.New(t)}
	c.screenshots("nobody", s.ask("", in), append(s.pagePaths(), "/t/rockets/login", "/t/acme/login", "/t/rockets/setup"))
	for _, lang := range screenshotLanguages {
		chromiumtest.Language(t, c.ctx, lang)
		c.onTheWay(lang)
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
	c.open("/login?i=nonsense")
	c.draw("way-error", lang)
	c.open("/t/strict/login?other=1")
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("#signin .primary")
	c.draw("way-enrol-choice", lang)
	c.open(c.where() + "?app=1")
	c.draw("way-enrol-app", lang)
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
