package apps_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// pages are those of the places for groups, apps and APIs, with what TestAppsInChromium stores.
var pages = []string{
	"/admin/apps", "/admin/apps/new", "/admin/apps/new?kind=web", "/admin/apps/app?id=shop", "/admin/apps/access?id=shop",
	"/admin/apps/claims?id=shop&user=grace@default.example", "/admin/groups", "/admin/groups/group?id=crew",
	"/admin/groups/roles?client=shop", "/admin/groups/role?client=shop&role=editor", "/admin/apis",
	"/admin/apis/api?id=https://api.example", "/admin/apis/scope?id=https://api.example",
}

// fill stores an app, a group with a member and a role, and an API with a scope.
func fill(t *testing.T, s *consoletest.Server, b *consoletest.Browser) {
	t.Helper()
	grace := s.User(storage.DefaultTenant, "grace", "")
	b.Open("/admin/apps/new?kind=web")
	b.Follow(b.Send("/admin/apps/new", "client_name", "Shop", "client_id", "shop",
		"redirect_uris", "https://shop.example/cb"))
	b.Open("/admin/groups/add")
	b.Follow(b.Send("/admin/groups/add", "id", "crew", "title", "The crew of the ship"))
	b.Follow(b.Send("/admin/groups/join", "user", grace.ID))
	b.Open("/admin/apps/access?id=shop")
	b.Follow(b.Send("/admin/apps/access", "groups", "crew"))
	b.Open("/admin/groups/roles?client=shop")
	b.Follow(b.Send("/admin/groups/roles", "name", "editor"))
	b.Follow(b.Send("/admin/groups/give", "kind", "group", "holder", "crew"))
	b.Open("/admin/apis/add")
	b.Follow(b.Send("/admin/apis/add", "identifier", "https://api.example", "name", "Orders"))
	b.Open("/admin/apis/scope?id=https://api.example")
	b.Follow(b.Send("/admin/apis/scope", "name", "orders:read", "consent.en", "Read your orders"))
	b.Says("Saved.")
}

// TestAppsInChromium looks for barriers on the pages for groups, apps and APIs, on a desktop in English and on a phone
// in German, and types a redirect URI that is wrong.
func TestAppsInChromium(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	fill(t, s, b)
	ctx := chromiumtest.New(t)
	b.In(ctx)
	has := func(what, script string) {
		t.Helper()
		for until := time.Now().Add(time.Minute); !chromiumtest.Run(t, ctx, chromedp.Evaluate[bool](script)); {
			if time.Now().After(until) {
				t.Fatalf("%s: %s", what, chromiumtest.Run(t, ctx, chromedp.Evaluate[string]("document.body.innerText")))
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	for i, width := range []int64{1280, 390} {
		if i == 1 {
			chromiumtest.Language(t, ctx, "de")
		}
		chromiumtest.Do(t, ctx, chromedp.EmulateViewport(width, 800))
		for _, page := range pages {
			chromiumtest.Do(t, ctx, chromedp.Navigate(s.Issuer+page))
			name := fmt.Sprintf("%s at %d", page, width)
			has(name+" fits", `document.documentElement.scrollWidth <= innerWidth`)
			if i == 0 {
				chromiumtest.Accessible(t, ctx, name)
			}
		}
	}
	chromiumtest.Do(t, ctx, chromedp.Navigate(s.Issuer+"/admin/apps/redirects?id=shop"))
	chromiumtest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("f-redirect_uris"), "\nhttps://*.shop.example"))
	has("the check", `!!document.querySelector("#f-redirect_uris-live.fault")?.textContent.includes("*")`)
}
