package login

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

// TestFormsInChromium: Back leads to pages, not to the question whether to send a form again; faults are seen and
// focused; a form is sent once, and times are the browser's.
func TestFormsInChromium(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	jo := s.user("default", "jo@example.com", "jo", right)
	c := &chrome{s, chromiumtest.New(t)}
	eval := func(js string) string {
		t.Helper()
		return chromiumtest.Run(t, c.ctx, chromedp.Evaluate[string](js))
	}

	c.open("/login")
	c.fill("login", "jo")
	c.click("#signin .primary")
	c.fill("password", "wrong horse")
	c.click("#signin .primary")
	if got := eval(`document.title.slice(0, 7) + document.querySelector("[role=alert]").textContent`); got !=
		"Error: "+english["signin.wrong"] {
		t.Errorf("got %q", got)
	}
	c.click(`a[href*="/forgot"]`)
	c.sees(english["forgot.title"])
	chromiumtest.Submit(t, c.ctx, chromedp.Evaluate[chromedp.Void](`setTimeout(() => history.back())`))
	c.sees(english["signin.password_title"])
	chromiumtest.Submit(t, c.ctx, chromedp.Evaluate[chromedp.Void](`setTimeout(() => location.reload())`))
	c.sees(english["signin.password_title"])

	// A double click: the second is not sent, and the button says that the first is.
	before := s.count("login.failed")
	c.fill("password", "wrong horse")
	chromiumtest.Submit(t, c.ctx, chromedp.Evaluate[chromedp.Void](
		`{ const b = document.querySelector("#signin .primary"); b.click(); b.click(); window.busy = b.className }`))
	if got := s.count("login.failed") - before; got != 1 {
		t.Errorf("a double click sent the form %d times", got)
	}

	c.open("/signup")
	c.fill("email", "jo..jo@example.com")
	c.fill("password", "password1")
	c.click("form button.primary")
	c.picture("sign-up-faults")
	chromiumtest.Focuses(t, c.ctx, "email")
	if got := eval(`(() => {
		const email = document.getElementById("email"), probe = document.body.appendChild(document.createElement("i"))
		probe.style.color = "var(--bad)"
		return String(getComputedStyle(email).borderTopColor === getComputedStyle(probe).color)
	})()`); got != "true" {
		t.Error("the field has no red border")
	}

	// The same buttons after a page that the browser kept.
	if got := eval(`(() => {
		const form = document.querySelector("form"), button = form.querySelector("button.primary")
		form.addEventListener("submit", e => e.preventDefault(), { capture: true, once: true })
		form.dataset.sent = ""; button.disabled = true; button.classList.add("busy")
		dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))
		return button.disabled + " " + button.className
	})()`); got != "false primary" {
		t.Errorf("after Back the button is %s", got)
	}

	c.open("/login")
	c.fill("login", "jo")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("form button.primary")
	c.open("/account/profile")
	if got := eval(`String(document.getElementById("zones").options.length > 300 &&
		[...document.getElementById("countries").options].some(o => o.value === "Germany"))`); got != "true" {
		t.Error("no zones or countries are offered")
	}
	c.open("/account/activity")
	if got := eval(`(() => {
		const time = document.querySelector("time")
		const want = new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeStyle: "short" }).format(new Date(time.dateTime))
		return String(time.textContent === want && time.title.endsWith("UTC") && document.querySelector("[data-utc]").hidden)
	})()`); got != "true" {
		t.Errorf("times: %s", eval(`document.querySelector("time").outerHTML`))
	}
	c.picture("account-activity")
	for _, p := range []string{"profile", "sessions", "second-factor", "identities", "apps", "password"} {
		c.open("/account/" + p)
		c.picture("account-" + p)
	}
	chromiumtest.Do(t, c.ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("details.languages").open = true`))
	c.picture("languages")
	c.click(`button[value=de]`)
	c.sees(texts.In("de")["account.password"])
	c.picture("account-password-de")
	if got := s.stored(jo); got.Profile.Locale != "" {
		t.Errorf("the menu changed the profile: %s", got.Profile.Locale)
	}
}
