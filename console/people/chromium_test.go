package people_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestPeopleInChromium disables a user, with scripts and without, and looks for barriers on the way, on a desktop in
// English and on a phone in German.
func TestPeopleInChromium(t *testing.T) {
	t.Parallel()
	s, b, u := start(t)
	other := s.User(storage.DefaultTenant, "alan", "")
	ctx := chromiumtest.New(t)
	b.In(ctx)
	open := func(path string) {
		t.Helper()
		chromiumtest.Do(t, ctx, chromedp.Navigate(s.Issuer+path))
	}
	has := func(what, script string) {
		t.Helper()
		for until := time.Now().Add(time.Minute); !chromiumtest.Run(t, ctx, chromedp.Evaluate[bool](script)); {
			if time.Now().After(until) {
				t.Fatalf("%s: %s", what, chromiumtest.Run(t, ctx, chromedp.Evaluate[string]("document.body.innerText")))
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	rows := `document.querySelectorAll("#list tbody tr").length`
	open("/admin/people")
	chromiumtest.Accessible(t, ctx, "the list")
	chromiumtest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("q"), "alan"))
	has("typing finds", rows+` === 1 && location.search === "?q=alan"`)
	open("/admin/people")
	has("no selection, no button", `document.querySelector("[data-selected] button").disabled`)
	chromiumtest.Do(t, ctx, chromedp.Click(chromedp.CSS(`[data-all]`)))
	has("all are selected", `document.querySelectorAll("input[name=u]:checked").length === `+rows)
	for i, script := range []bool{true, false} {
		chromiumtest.Script(t, ctx, script)
		target, width := u, int64(1280)
		if i == 1 {
			target, width = other, 390
			chromiumtest.Language(t, ctx, "de")
		}
		chromiumtest.Do(t, ctx, chromedp.EmulateViewport(width, 800))
		name := fmt.Sprintf("scripts %v: ", script)
		at := "/admin/people/" + target.ID
		pages := map[string]string{at: "a user"}
		if script {
			pages = map[string]string{"/admin/people/invite": "the invitation", "/admin/people/import": "the import",
				"/admin": "the overview", "/admin/nowhere": "nothing"}
		}
		for page, said := range pages {
			open(page)
			chromiumtest.Accessible(t, ctx, name+said)
			has(name+said+" fits", `document.documentElement.scrollWidth <= innerWidth`)
		}
		open(at + "/disable")
		chromiumtest.Submit(t, ctx, chromedp.Click(chromedp.CSS(`main button.danger`)))
		has(name+"the notice", `!!document.querySelector(".done[role=status]")`)
		if script {
			chromiumtest.Accessible(t, ctx, "the notice")
		}
		if !stored(t, s, target).Disabled {
			t.Errorf("%snot disabled", name)
		}
		chromiumtest.Submit(t, ctx, chromedp.Click(chromedp.CSS(`.done button`)))
		if stored(t, s, target).Disabled {
			t.Errorf("%sUndo did nothing", name)
		}
		open(at + "/edit")
		chromiumtest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("f-username"), "\u0007 not a name"))
		chromiumtest.Submit(t, ctx, chromedp.Click(chromedp.CSS(`main form[data-careful] button.primary`)))
		has(name+"the fault", `!!document.querySelector("#f-username[aria-invalid=true]")`)
		if !script {
			chromiumtest.Accessible(t, ctx, "faults")
		}
		chromiumtest.Focuses(t, ctx, "f-username")
	}
}

// TestFullPagesAreLight: a page of a list has fifty people with long names, and less than 60 KB.
func TestFullPagesAreLight(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	ids := ""
	for i := range 55 {
		u := s.User(storage.DefaultTenant, fmt.Sprintf("somebody-with-a-rather-long-address-%02d", i), "")
		if i < 50 {
			ids += "&u=" + u.ID
		}
	}
	pages := []string{"/admin/people", "/admin/people?unsecured=1", "/admin/people/bulk?do=disable" + ids}
	for _, page := range pages {
		if p := b.Open(page); len(p.Body) > 60<<10 {
			t.Errorf("%.40s has %d bytes", page, len(p.Body))
		}
	}
	b.Open("/admin/people")
	for _, link := range b.Links() {
		if u := consoletest.After(link); u != "" {
			b.Open(link)
			b.Says("First page")
			return
		}
	}
	t.Error("no second page")
}
