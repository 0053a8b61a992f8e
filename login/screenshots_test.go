package login

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestScreenshots writes what every page looks like on a phone and on a desk, in light and dark mode and
// in the languages with the longest words. It checks nothing: make screenshots runs it for the eye.
func TestScreenshots(t *testing.T) {
	if *pictures == "" {
		t.Skip("make screenshots runs it")
	}
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "jo", right)
	s.enrolled("mo@example.com")
	s.acme(storage.Branding{Accent: "#ffcc00", PrivacyURI: "https://acme.example/privacy",
		ImprintURI: "https://acme.example/imprint"})
	if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "rockets", Name: "Acme Rockets",
		Settings: storage.TenantSettings{Branding: storage.Branding{Accent: "#c2410c", Background: "#fff7ed"}}}); err != nil {
		t.Fatal(err)
	}
	in := storage.Interaction{Client: storage.Client{ClientID: "app", ClientName: "Paper Boats"},
		Scopes: []string{"openid", "profile", "email", "offline_access"}, Claims: []string{"phone_number"}}
	c := &chrome{s, chromiumtest.New(t)}
	c.screenshots("nobody", s.ask("", in), append(s.pagePaths(), "/t/rockets/login", "/t/acme/login", "/t/rockets/setup"))
	for _, who := range []string{"mo", "jo"} { // mo is half signed in: what follows is a page of the second factor
		chromiumtest.Language(t, c.ctx, "en")
		q := s.ask("", in)
		c.open("/login?other=1&" + q)
		c.fill("login", who+"@example.com")
		c.click("#signin .primary")
		c.click("#signin .primary")
		c.fill("password", right)
		c.click("form:not(.passkey) button.primary")
		c.screenshots(who, q, s.pagePaths())
	}
}

// screenshots writes what the pages look like that a browser in this state can open.
func (c *chrome) screenshots(who, query string, paths []string) {
	c.t.Helper()
	for _, lang := range []string{"en", "de", "ru"} {
		chromiumtest.Language(c.t, c.ctx, lang)
		for _, path := range paths {
			c.open(path + "?token=setup-default&" + query)
			if !strings.HasPrefix(c.where(), path+"?") {
				continue // another page, which has its turn
			}
			for name, width := range map[string]int64{"390": 390, "1280": 1280} {
				c.resize(width, 800)
				for _, scheme := range []string{"light", "dark"} {
					chromiumtest.Scheme(c.t, c.ctx, scheme)
					file := strings.Join([]string{who + strings.ReplaceAll(path, "/", "-"), lang, name, scheme}, "_") + ".png"
					picture := chromiumtest.Run(c.t, c.ctx, chromedp.FullScreenshot(100))
					if err := os.WriteFile(filepath.Join(*pictures, file), picture, 0o644); err != nil {
						c.t.Fatal(err)
					}
				}
			}
		}
	}
}
