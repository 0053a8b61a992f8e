package login

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// forPrograms are paths whose answers no user sees: apps and passkey.js ask for them.
var forPrograms = regexp.MustCompile(`^/auth/|^/\.well-known/|\.(ico|png|svg)$|/passkey$|/options$|download|\{`)

// pagePaths are the paths of all pages to look at.
func (s *site) pagePaths() []string {
	s.t.Helper()
	var paths []string
	err := s.router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return nil // a router below, or a middleware's
		}
		methods, err := route.GetMethods()
		if err != nil || !slices.Contains(methods, http.MethodGet) || forPrograms.MatchString(path) {
			return nil
		}
		paths = append(paths, path)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// TestEveryPageInEveryLanguage opens whatever there is to open, before a user is signed in
// and then, on a narrow phone: every page is in the language asked for, nothing sticks out
// sideways, and axe-core finds nothing serious in it.
func TestEveryPageInEveryLanguage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.administrator(s.user("default", "jo@example.com", "jo", right), storage.RoleSupport)
	s.enrolled("mo@example.com")
	in := storage.Interaction{
		Client: storage.Client{ClientID: "app", ClientName: "Paper Boats", Allow: storage.ClientAllow{VerifiedEmail: true}},
		Scopes: []string{"openid", "profile", "offline_access"}, Claims: []string{"phone_number"},
	}
	q := s.ask("", in)
	c := &chrome{s, chromiumtest.New(t)}
	chromiumtest.Script(t, c.ctx, false)
	paths := s.pagePaths()
	if len(paths) < 20 {
		t.Errorf("only %d pages: %v", len(paths), paths)
	}
	c.resize(320, 640)
	seen := map[string]int{}
	for _, who := range []string{"nobody", "jo", "mo"} {
		if who == "mo" { // half signed in, for one request: jo has another
			q = s.ask("", in)
			c.open("/login?other=1&" + q)
			c.fill("login", "mo@example.com")
			c.click("#signin .primary")
			c.fill("password", right)
			c.click("form:not(.passkey) button.primary")
		}
		if who == "jo" {
			q = s.ask("", in)
			c.open("/login")
			c.fill("login", "jo@example.com")
			c.click("#signin .primary")
			c.fill("password", right)
			c.click("form:not(.passkey) button.primary")
		}
		elsewhere := map[string]bool{} // leads this user to another page, which has its turn
		for _, lang := range texts.Languages() {
			chromiumtest.Language(t, c.ctx, lang)
			for _, path := range paths {
				if elsewhere[path] {
					continue
				}
				if who == "mo" && !strings.HasPrefix(path, "/second-factor") || who == "jo" &&
					seen[path] == len(texts.Languages()) && !slices.Contains([]string{"/", "/login", "/select"}, path) {
					continue // the same for all
				}
				name := who + strings.ReplaceAll(path, "/", "-") + "-" + lang
				c.open(path + "?token=setup-default&" + q)
				if !strings.HasPrefix(c.where(), path+"?") {
					elsewhere[path] = true
					continue
				}
				seen[path]++
				got := chromiumtest.Run(t, c.ctx,
					chromedp.Evaluate[string](`document.documentElement.lang + " " + document.documentElement.scrollWidth`))
				if got != lang+" 320" {
					t.Errorf("%s, %s: got %q, want language and width %q", path, who, got, lang+" 320")
				}
				if lang == "en" {
					chromiumtest.Accessible(t, c.ctx, name)
				}
				if *pictures != "" {
					chromiumtest.Scheme(t, c.ctx, "light")
					if err := os.WriteFile(filepath.Join(*pictures, "every-"+name+".png"),
						chromiumtest.Run(t, c.ctx, chromedp.FullScreenshot(100)), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	for _, path := range paths {
		if path == "/second-factor/setup" || path == newPasswordPath {
			continue // that of /account/second-factor/app, and of /account/password, for users who have to
		}
		if seen[path] < len(texts.Languages()) {
			t.Errorf("%s was seen %d times", path, seen[path])
		}
	}
}
