package consoletest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
)

// Walker uses the pages in a Chromium as a newcomer does: it knows only what the pages say, the texts of links and
// buttons and the labels of fields.
type Walker struct {
	t      testing.TB
	server *Server
	Ctx    context.Context
	// Name tells the walker from others in messages.
	Name string
}

// Walker returns a walker with cookies of its own, in the Chromium of ctx, in which scripts run or do not.
func (s *Server) Walker(ctx context.Context, name string, scripts bool) *Walker {
	s.t.Helper()
	tab, cancel := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	s.t.Cleanup(cancel)
	w := &Walker{s.t, s, tab, name}
	if err := chromedp.Do(tab); err != nil { // the tab ends with the context of its first action: see chromiumtest.New
		s.t.Fatal(err)
	}
	chromiumtest.Script(s.t, tab, scripts)
	return w
}

// Open loads a page: a path of the server, or an address.
func (w *Walker) Open(page string) {
	w.t.Helper()
	if strings.HasPrefix(page, "/") {
		page = w.server.Issuer + page
	}
	chromiumtest.Do(w.t, w.Ctx, chromedp.Navigate(page))
}

// found is a script that marks the element that walk looks for. It returns what is wrong, or "".
const found = `(() => {
	const [kind, name, place] = %s
	const said = e => (e.innerText || e.textContent || "").replace(/\s+/g, " ").trim()
	const seen = e => e.getClientRects().length > 0
	document.querySelectorAll("[data-walk]").forEach(e => e.removeAttribute("data-walk"))
	const within = place ? [...document.querySelectorAll("section, li, tr, fieldset, form")].filter(e => seen(e) && said(e).includes(place)).pop() : document
	if (!within) return "nothing says " + place
	let all
	if (kind === "field") {
		all = [...within.querySelectorAll("label")].filter(l => said(l) === name).map(l => l.control).filter(e => e)
	} else {
		all = [...within.querySelectorAll("a[href], button, summary")].filter(e => said(e) === name)
	}
	all = all.filter(e => seen(e) || e.type === "checkbox" || e.type === "radio")
	if (!all.length) return "there is none"
	const buttons = all.filter(e => e.localName === "button")
	if (buttons.length === 1) all = buttons // the back link of a form can be called as its button
	if (new Set(all.map(e => e.href || e)).size > 1) return "there are " + all.length
	all[0].setAttribute("data-walk", "")
	return ""
})()`

// find marks a link or a button with a text, or the field with a label, for marked. In a place, if that is not "", it
// is looked for in the smallest part of the page that says the place.
func (w *Walker) find(kind, name, place string) string {
	w.t.Helper()
	args, err := json.Marshal([]string{kind, name, place})
	if err != nil {
		w.t.Fatal(err)
	}
	return chromiumtest.Run(w.t, w.Ctx, chromedp.Evaluate[string](fmt.Sprintf(found, args)))
}

// marked is the element that find found.
var marked = chromedp.CSS("[data-walk]")

// must fails the test unless there is exactly one.
func (w *Walker) must(kind, name, place string) {
	w.t.Helper()
	if fault := w.find(kind, name, place); fault != "" {
		w.fail("%s %q: %s", kind, name, fault)
	}
}

// fail ends the test with what the page says.
func (w *Walker) fail(format string, args ...any) {
	w.t.Helper()
	if dir := os.Getenv("WALK_SCREENSHOTS"); dir != "" {
		w.Screenshot(filepath.Join(dir, "failed.png"))
	}
	at := chromiumtest.Run(w.t, w.Ctx, chromedp.Location())
	w.t.Fatalf("%s at %s: %s\n%s", w.Name, at, fmt.Sprintf(format, args...), w.Text())
}

// Click follows the link or presses the button with the text, and waits for the page to which it leads. Given a place,
// it looks in the smallest part of the page that says that.
func (w *Walker) Click(text string, place ...string) {
	w.t.Helper()
	w.must("link or button", text, strings.Join(place, ""))
	chromiumtest.Submit(w.t, w.Ctx, chromedp.Click(marked))
}

// Unfold opens what is folded below the text.
func (w *Walker) Unfold(text string) {
	w.t.Helper()
	w.must("summary", text, "")
	chromiumtest.Do(w.t, w.Ctx, chromedp.Click(marked))
}

// Type replaces what is in the field with the label.
func (w *Walker) Type(label, value string) {
	w.t.Helper()
	w.must("field", label, "")
	chromiumtest.Run(w.t, w.Ctx, chromedp.Evaluate[bool](`(document.querySelector("[data-walk]").value = "") === ""`))
	chromiumtest.Do(w.t, w.Ctx, chromedp.SendKeys(marked, value))
}

// Choose chooses the option whose text begins so in the field with the label.
func (w *Walker) Choose(label, text string) {
	w.t.Helper()
	w.must("field", label, "")
	quoted, err := json.Marshal(text)
	if err != nil {
		w.t.Fatal(err)
	}
	chose := chromiumtest.Run(w.t, w.Ctx, chromedp.Evaluate[bool](`(() => {
		const field = document.querySelector("[data-walk]")
		const option = [...field.options].find(o => o.text.startsWith(`+string(quoted)+`))
		if (option) { field.value = option.value; field.dispatchEvent(new Event("change", { bubbles: true })) }
		return !!option
	})()`))
	if !chose {
		w.fail("%s has no option %q", label, text)
	}
}

// Tick ticks the box with the label.
func (w *Walker) Tick(label string) {
	w.t.Helper()
	w.must("field", label, "")
	chromiumtest.Run(w.t, w.Ctx, chromedp.Evaluate[bool](`(document.querySelector("[data-walk]").checked = true)`))
}

// Offers reports whether the page has a link or a button with the text.
func (w *Walker) Offers(text string) bool {
	w.t.Helper()
	return w.find("link or button", text, "") != "there is none"
}

// Text returns what the page says, with single spaces.
func (w *Walker) Text() string {
	w.t.Helper()
	return strings.Join(strings.Fields(chromiumtest.Run(w.t, w.Ctx,
		chromedp.Evaluate[string](`document.body.innerText`))), " ")
}

// Says fails the test unless the page says each of the texts.
func (w *Walker) Says(texts ...string) {
	w.t.Helper()
	page := w.Text()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			w.fail("it doesn't say %q", text)
		}
	}
}

// SaysNot fails the test if the page says one of the texts.
func (w *Walker) SaysNot(texts ...string) {
	w.t.Helper()
	page := w.Text()
	for _, text := range texts {
		if strings.Contains(page, text) {
			w.fail("it says %q", text)
		}
	}
}

// Awaits loads the page until it says the text, for a minute.
func (w *Walker) Awaits(text string) {
	w.t.Helper()
	for until := time.Now().Add(time.Minute); !strings.Contains(w.Text(), text); {
		if time.Now().After(until) {
			w.fail("it never says %q", text)
		}
		time.Sleep(50 * time.Millisecond)
		chromiumtest.Submit(w.t, w.Ctx, chromedp.Reload())
	}
}

// Shown returns the value that the page shows once.
func (w *Walker) Shown() string {
	w.t.Helper()
	return chromiumtest.Run(w.t, w.Ctx, chromedp.Evaluate[string](`document.getElementById("shown")?.textContent ?? ""`))
}

// At returns the address of the page.
func (w *Walker) At() string {
	w.t.Helper()
	return chromiumtest.Run(w.t, w.Ctx, chromedp.Location())
}

// Screen makes the window that of a phone, whose user reads Russian in the dark, or that of a desktop in English.
func (w *Walker) Screen(phone bool) {
	w.t.Helper()
	width, language, scheme := int64(1280), "en", "light"
	if phone {
		width, language, scheme = 390, "ru", "dark"
	}
	chromiumtest.Do(w.t, w.Ctx, chromedp.EmulateViewport(width, 800))
	chromiumtest.Language(w.t, w.Ctx, language)
	chromiumtest.Scheme(w.t, w.Ctx, scheme)
}

// Mirror has the page written from right to left, as pages in Arabic or Hebrew are.
func (w *Walker) Mirror() {
	w.t.Helper()
	chromiumtest.Run(w.t, w.Ctx, chromedp.Evaluate[string](`(document.documentElement.dir = "rtl")`))
}

// Overflow returns what is wider than the window, or "".
func (w *Walker) Overflow() string {
	w.t.Helper()
	return chromiumtest.Run(w.t, w.Ctx, chromedp.Evaluate[string](`(() => {
		const wide = innerWidth
		if (document.documentElement.scrollWidth <= wide) return ""
		return [...document.querySelectorAll("main *")].filter(e => {
			const at = e.getBoundingClientRect()
			return !e.closest(".scroll, .sample, .unseen") && (at.right > wide + 1 || at.left < -1)
		}).slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join("\n") || "something"
	})()`))
}

// Screenshot writes a picture of the whole page.
func (w *Walker) Screenshot(file string) {
	w.t.Helper()
	picture := chromiumtest.Run(w.t, w.Ctx, chromedp.FullScreenshot(100))
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		w.t.Fatal(err)
	}
}
