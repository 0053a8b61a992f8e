package login

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// pageWalk leads a browser to the pages that no address alone leads to.
type pageWalk struct {
	*chrome
	lang string
	look func(name string)
}

// walkSite returns a site with two upstream providers, whose users have phones. Below /problem it shows the error
// pages of other parts of the program.
func walkSite(t testing.TB) *federatedSite {
	t.Helper()
	f := &federatedSite{idps: map[string]*fakeidp.Server{}}
	f.site = newSite(t, func(c *Config) {
		free(c)
		f.configure(t, c, nil, fakeidp.Google, fakeidp.Facebook)
	})
	f.withKeys()
	problems := map[string]web.Problem{
		"no-page": {Status: http.StatusNotFound, Message: "problem.no_page", Program: "There is no such page."},
		"gateway": {Status: http.StatusForbidden, Elsewhere: true, Message: "gateway.no_access", Code: "access_denied"},
		"no-rule": {Status: http.StatusForbidden, Elsewhere: true, Message: "gateway.no_rule", Code: "access_denied"},
		"fault":   {Status: http.StatusInternalServerError},
		"busy":    {Status: http.StatusServiceUnavailable},
		"method":  {Status: http.StatusMethodNotAllowed, Message: "problem.page_method"},
	}
	f.pages.Development = false // as users see the page
	for name, p := range problems {
		f.router.HandleFunc("/problem/"+name, func(w http.ResponseWriter, r *http.Request) {
			f.pages.ErrorPage(w, r, &p)
		})
	}
	return f
}

// everywhere leads to all of them. Each name of a user is used in one language only.
func (p *pageWalk) everywhere() {
	p.t.Helper()
	chromiumtest.Language(p.t, p.ctx, p.lang)
	p.fromUpstreams()
	p.amongAccounts()
	p.notMe()
	p.withPhone()
	p.makesKeys()
	for _, name := range []string{"no-page", "gateway", "no-rule", "fault", "busy", "method"} {
		p.open("/problem/" + name)
		p.look("problem-" + name)
	}
}

// signsIn signs a user in who has a password.
func (p *pageWalk) signsIn(email string) {
	p.t.Helper()
	p.fill("login", email)
	p.click("#signin .primary")
	p.fill("password", right)
	p.click(`form[action="/login"] button.primary`)
}

// fromUpstreams comes from an upstream provider: with an address that has an account, and with one that the provider
// does not vouch for.
func (p *pageWalk) fromUpstreams() {
	p.t.Helper()
	email := "fed-" + p.lang + "@example.com"
	p.verified(email, "", right)
	q := p.ask("", storage.Interaction{Client: storage.Client{ClientID: "app", ClientName: "Paper Boats"}})
	comes := func(kind, email string) {
		p.open("/login?other=1&" + q)
		p.click(`a[href^="/upstream/` + kind + `"]`)
		chromiumtest.Do(p.t, p.ctx, chromedp.Evaluate[chromedp.Void](
			`document.querySelector("form input[name=email][value='jo@example.com']").value = "`+email+`"`))
		p.click(`form:has(input[name="name"][value="Jo Doe"]) button.person`)
	}
	p.open("/login?other=1&" + q)
	p.click(`a[href^="/upstream/google"]`)
	p.click(`form:has(input[name="cancel"]) button`)
	p.look("federated-cancelled")
	comes(fakeidp.Google, email)
	p.look("federated-account")
	p.click("a.button.primary")
	p.look("federated-account-signin")
	p.signsIn(email)
	p.look("federated-link")
	p.click(`button[value="link"]`)

	p.signsOut()
	comes(fakeidp.Facebook, "new-"+email)
	p.look("federated-email")
	p.fill("email", "jo..@example.com")
	p.click("main form button.primary")
	p.look("federated-email-wrong")
	p.fill("email", "new-"+email)
	p.click("main form button.primary")
	p.look("federated-confirm")
	m := p.mails.Next(p.t, "new-"+email)
	p.fill("code", "1234")
	p.click("main form button.primary")
	p.look("federated-confirm-wrong")
	chromiumtest.Do(p.t, p.ctx, chromedp.Navigate(m.Link))
	p.look("federated-confirm-link")
	p.open("/federated/link") // without an address that is confirmed
	p.sees(texts.In(p.lang)["federated.email_title"])
}

// amongAccounts signs in to a second account, and chooses among both.
func (p *pageWalk) amongAccounts() {
	p.t.Helper()
	q := p.ask("", storage.Interaction{Client: storage.Client{ClientID: "app", ClientName: "Paper Boats"},
		Prompt: []string{"select_account"}})
	for _, email := range []string{"one-" + p.lang + "@example.com",
		"maximiliane.hohenstein-" + p.lang + "@department.university.example"} {
		u := p.verified(email, "", right)
		u.Profile.Name = "Maximiliane Freifrau von und zu Hohenstein-Langenberg"
		must(p.t, storagetest.UpdateUser(p.t.Context(), p.store, u))
		p.open("/login?other=1&" + q)
		p.look("other-account")
		p.signsIn(email)
	}
	p.open("/select?" + q)
	p.look("select")
	p.click(`nav a[href*="other=1"]`)
	p.look("select-other")
	p.signsOut()
	p.open("/select?" + q)
	p.look("select-none")
}

// notMe says that a change was not the user's own.
func (p *pageWalk) notMe() {
	p.t.Helper()
	email := "safe-" + p.lang + "@example.com"
	p.verified(email, "", right)
	v, thief := p.signedIn(email), "thief-"+p.lang+"@example.org"
	flow := v.asksFor(thief)
	v.post("/account/email/confirm", "flow", flow, "code", p.mails.Next(p.t, thief).Code)
	link := notMeIn(p.t.(*testing.T), p.mails.Next(p.t, email))
	p.open(link)
	p.look("not-me")
	p.click("main form button.primary")
	p.look("not-me-code")
	p.open(link)
	p.look("not-me-again")
	p.open("/not-me?t=nonsense")
	p.look("not-me-refused")
}

// withPhone gives a user a phone number.
func (p *pageWalk) withPhone() {
	p.t.Helper()
	email := "phone-" + p.lang + "@example.com"
	p.verified(email, "", right)
	p.open("/login?other=1")
	p.signsIn(email)
	p.open("/account/phone")
	p.look("phone")
	p.fill("phone", "+49 30 12345678")
	p.click("main form button.primary")
	p.look("phone-refused")
	number := map[string]string{"en": mobile, "de": "+491701234568", "ru": "+491701234569"}[p.lang]
	p.fill("phone", number)
	p.click("main form button.primary")
	p.look("phone-confirm")
	p.fill("code", "1234")
	p.click("main form button.primary")
	p.look("phone-confirm-wrong")
	p.fill("code", p.texts.next(p.t, number))
	p.click("main form button.primary")
	p.look("phone-done")
	p.open("/account/phone")
	p.look("phone-set")
	p.signsOut()
}

// makesKeys gives a user an API key.
func (p *pageWalk) makesKeys() {
	p.t.Helper()
	email := "keys-" + p.lang + "@example.com"
	p.verified(email, "", right)
	p.open("/login?other=1")
	p.signsIn(email)
	p.open("/account/api-keys")
	p.look("keys-none")
	p.open("/account/api-keys/new")
	p.look("keys-new")
	p.fill("name", "Backup")
	p.click("main form button.primary")
	p.look("keys-new-refused")
	chromiumtest.Focuses(p.t, p.ctx, "scope-0") // what is missing
	chromiumtest.Do(p.t, p.ctx, chromedp.Click(chromedp.ID("scope-0")))
	p.click("main form button.primary")
	p.look("keys-shown")
	p.click("main a.primary")
	p.look("keys")
	p.signsOut()
}

// signsOut signs all accounts out.
func (p *pageWalk) signsOut() {
	p.t.Helper()
	p.open("/signout")
	if all := chromiumtest.Run(p.t, p.ctx, chromedp.Evaluate[bool](`!!document.querySelector("button[name=all]")`)); all {
		p.look("sign-out-all")
		p.click("button[name=all]")
		return
	}
	p.click("main form button.primary")
}

// TestPagesOnTheWay judges what users see after a form, a link or an upstream provider: with scripts in German, and
// without in Russian.
func TestPagesOnTheWay(t *testing.T) {
	t.Parallel()
	f := walkSite(t)
	c := &chrome{f.site, chromiumtest.New(t)}
	for lang, script := range map[string]bool{"de": true, "ru": false} {
		chromiumtest.Script(t, c.ctx, script)
		c.resize(390, 800)
		seen := 0
		p := &pageWalk{c, lang, func(name string) {
			seen++
			c.judge(lang+" "+name, lang, 390)
			if script { // what axe-core judges is the same without
				chromiumtest.Accessible(t, c.ctx, lang+" "+name)
			}
		}}
		p.everywhere()
		t.Logf("%s: %d pages", lang, seen)
	}
}

// judge checks the page that is shown: its language and title, that nothing sticks out sideways, and how much the
// browser fetched for it.
func (c *chrome) judge(name, lang string, width int64) {
	c.t.Helper()
	got := chromiumtest.Run(c.t, c.ctx, chromedp.Evaluate[struct {
		Lang, Title, Heading string
		Width, Bytes         int64
	}](`({Lang: document.documentElement.lang, Width: document.documentElement.scrollWidth, Title: document.title,
		Heading: document.querySelector("h1")?.textContent ?? "",
		Bytes: ["navigation", "resource"].flatMap(k => performance.getEntriesByType(k)).reduce((n, e) =>
			n + e.encodedBodySize, 0)})`))
	if got.Lang != lang || got.Width > width || got.Heading == "" || !strings.Contains(got.Title, got.Heading) {
		t := texts.In(lang)
		c.t.Errorf("%s: got %+v, in %s", name, got, t["language.name"])
	}
	if got.Bytes == 0 || got.Bytes > mostBytes {
		c.t.Errorf("%s: the browser fetched %d bytes for it, and may fetch %d", name, got.Bytes, mostBytes)
	}
}
