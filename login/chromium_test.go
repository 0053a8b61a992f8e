package login

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

var pictures = flag.String("pictures", "", "write what the pages look like into this directory")

// chrome is a user at Chromium.
type chrome struct {
	*site
	ctx context.Context
}

func (c *chrome) open(path string) {
	c.t.Helper()
	chromiumtest.Do(c.t, c.ctx, chromedp.Navigate(c.url+path))
}

func (c *chrome) click(selector string) {
	c.t.Helper()
	chromiumtest.Submit(c.t, c.ctx, chromedp.Click(chromedp.CSS(selector)))
}

func (c *chrome) fill(id, text string) {
	c.t.Helper()
	chromiumtest.Do(c.t, c.ctx,
		chromedp.Evaluate[chromedp.Void](`document.getElementById("`+id+`").value = ""`),
		chromedp.SendKeys(chromedp.ID(id), text))
}

func (c *chrome) heading() string {
	c.t.Helper()
	return chromiumtest.Run(c.t, c.ctx, chromedp.Text(chromedp.CSS("h1")))
}

func (c *chrome) where() string {
	c.t.Helper()
	return strings.TrimPrefix(chromiumtest.Run(c.t, c.ctx, chromedp.Location()), c.url)
}

func (c *chrome) sees(want string) {
	c.t.Helper()
	if got := c.heading(); got != want {
		c.t.Errorf("at %s: got heading %q, want %q", c.where(), got, want)
	}
}

// picture keeps what the page looks like, in both colour schemes, on a desk and a phone,
// and checks that nothing sticks out sideways.
func (c *chrome) picture(name string) {
	c.t.Helper()
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"wide", 1280, 800}, {"phone", 390, 780}, {"narrow", 320, 640}} {
		c.resize(size.width, size.height)
		if over := chromiumtest.Run(c.t, c.ctx,
			chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); over > size.width {
			c.t.Errorf("%s is %d pixels wide on a screen of %d", name, over, size.width)
		}
		if size.name == "wide" {
			chromiumtest.Accessible(c.t, c.ctx, name)
		}
		for _, scheme := range []string{"light", "dark"} {
			if *pictures == "" || size.name == "narrow" {
				continue
			}
			chromiumtest.Scheme(c.t, c.ctx, scheme)
			file := filepath.Join(*pictures, name+"-"+scheme+"-"+size.name+".png")
			if err := os.WriteFile(file, chromiumtest.Run(c.t, c.ctx, chromedp.CaptureScreenshot()), 0o644); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	c.resize(1280, 800)
}

// resize makes the window another size, and waits until the page is laid out in it: what
// is looked at or clicked on before is where it was.
func (c *chrome) resize(width, height int64) {
	c.t.Helper()
	chromiumtest.Do(c.t, c.ctx, chromedp.EmulateViewport(width, height))
	for range 500 {
		if chromiumtest.Run(c.t, c.ctx, chromedp.Evaluate[int64](`window.innerWidth`)) == width {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Errorf("the page is not laid out %d pixels wide", width)
}

// TestEveryPageInChromium walks through all pages with a real browser and no scripts.
func TestEveryPageInChromium(t *testing.T) {
	t.Parallel()
	// A client whose callback hands over to another origin, as many do.
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<h1>The app</h1>")
	}))
	defer app.Close()
	api := httptest.NewServer(http.RedirectHandler(app.URL+"/home", http.StatusFound))
	defer api.Close()

	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	jo.Profile.Name = "Jo Doe"
	if err := storagetest.UpdateUser(t.Context(), s.store, jo); err != nil {
		t.Fatal(err)
	}
	s.user("default", "maximiliane.hohenstein-lang@department.university.example", "", right)
	q := s.ask("", storage.Interaction{
		Client: storage.Client{ClientID: "app", ClientName: "Paper Boats", PolicyURI: "https://boats.example/privacy",
			TosURI: "https://boats.example/terms"},
		Scopes: []string{"openid", "profile", "email", "calendar.read", "offline_access"}, Claims: []string{"phone_number"},
		RedirectURI: api.URL + "/callback",
	})
	s.router.HandleFunc("/wrong", func(w http.ResponseWriter, r *http.Request) {
		s.pages.ErrorPage(w, r, &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request",
			Title:     "problem.bad_request.title",
			Message:   "problem.bad_request",
			Developer: "redirect_uri has to be one of the client's redirect_uris, letter by letter.",
			Got:       "https://boats.example/Callback/",
			Expected:  []string{"https://boats.example/callback", "https://staging.boats.example/callback"}})
	})

	c := &chrome{s, chromiumtest.New(t)}
	chromiumtest.Script(t, c.ctx, false)

	c.open("/setup?token=setup-default")
	c.sees("Create the first administrator")
	c.picture("setup")
	c.fill("email", "admin@example.com")
	c.fill("password", "admin@example.com")
	c.click("button.primary")
	c.picture("setup-refused")
	c.fill("password", right)
	c.click("button.primary")
	c.sees("Your account")
	c.picture("home")
	c.click(`a[href="/signout"]`)
	c.sees("Sign out?")
	c.click("button.primary")
	c.sees("You’re signed out")
	c.picture("signed-out")
	c.open("/")
	c.picture("home-nobody")

	c.open("/login?" + q)
	c.sees("Sign in")
	c.picture("sign-in")
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	c.fill("password", "wrong battery horse")
	c.click("button.primary")
	if got := chromiumtest.Run(t, c.ctx, chromedp.Text(chromedp.CSS("[role=alert]"))); got != english["signin.wrong"] {
		t.Errorf("got alert %q", got)
	}
	if got := chromiumtest.Run(t, c.ctx, chromedp.Value(chromedp.ID("login"))); got != "jo@example.com" {
		t.Errorf("the name that was typed became %q", got)
	}
	c.picture("sign-in-wrong")
	// The field for the password has the focus; Enter is enough.
	chromiumtest.Submit(t, c.ctx, chromedp.KeyEvent(right+"\r"))
	if got := c.where(); got != "/authorize?"+q {
		t.Errorf("got to %s", got)
	}
	s.begin(q)
	c.open("/login?" + q)
	c.sees("Confirm it’s you")
	c.picture("confirm")
	c.click(`a[href*="other=1"]`)
	c.fill("login", "maximiliane.hohenstein-lang@department.university.example")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("button.primary")
	c.open("/select?" + q)
	c.sees("Choose an account")
	c.picture("select")
	c.click("li:last-child button.account")
	c.open("/consent?" + q)
	c.sees("Allow access?")
	c.picture("consent")
	s.follow = true
	c.click("button.primary")
	if got := chromiumtest.Run(t, c.ctx, chromedp.Location()); got != app.URL+"/home" {
		t.Errorf("after consent: got to %s, want %s: redirects of the client were stopped", got, app.URL+"/home")
	}
	c.open("/signout?l=letter")
	c.picture("sign-out")
	c.click("button[name=all]")
	if got := c.where(); got != "/logout?l=letter" {
		t.Errorf("got to %s", got)
	}
	c.open("/login?i=nonsense")
	c.picture("error")
	c.open("/wrong")
	c.sees(english["problem.bad_request.title"])
	c.picture("error-developer")
}

// TestOtherSitesInChromium lets a page of another site try what it may not do.
func TestOtherSitesInChromium(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	c := &chrome{s, chromiumtest.New(t)}
	var body string
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(body))
	}))
	defer evil.Close()
	elsewhere := strings.Replace(evil.URL, "127.0.0.1", "localhost", 1) // another site, not just another port

	form := `<form method=post action="` + s.url +
		`/login" target=_self %s><input name=login value=jo@example.com><input name=password value="` + right +
		`"><button id=b>x</button></form>`
	for _, from := range []string{evil.URL, elsewhere} {
		for _, extra := range []string{"", `referrerpolicy=no-referrer`, `rel=noreferrer`} {
			c.open("/login") // there is a cookie to ride on
			body = fmt.Sprintf(form, extra)
			chromiumtest.Do(t, c.ctx, chromedp.Navigate(from))
			c.click("#b")
			if got := c.heading(); got != english["error.403"] && got != "This form came from another site" {
				t.Errorf("a form from %s: got %q", from, got)
			}
		}
		body = `<iframe src="` + s.url + `/login"></iframe>`
		chromiumtest.Do(t, c.ctx, chromedp.Navigate(from), chromedp.Sleep(200*time.Millisecond))
		framed := chromiumtest.Run(t, c.ctx,
			chromedp.Evaluate[bool](`(() => { try { return frames[0].document.title.includes("Sign in") } catch { return `+
				`frames[0].length > 0 } })()`))
		if framed {
			t.Errorf("the sign-in page shows in a frame of %s", from)
		}
	}
	c.open("/")
	if got := chromiumtest.Run(t, c.ctx,
		chromedp.Text(chromedp.CSS("main"))); !strings.Contains(got, english["home.none"]) {
		t.Errorf("another site signed the browser in: %q", got)
	}
}

// TestAPopupKeepsItsOpener signs in in a window that a client's page opened, and has
// the client's callback tell that page.
func TestAPopupKeepsItsOpener(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.follow = true
	s.user("default", "jo@example.com", "", right)
	var q string
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/callback" {
			_, _ = w.Write([]byte(`<script>opener.postMessage("signed in", "*"); close()</script>`))
			return
		}
		_, _ = w.Write([]byte(`<title>waiting</title><script>onmessage = e => document.title = e.data</script><button ` +
			`id=b onclick="open('` + s.url + `/login?` + q + `', '', 'popup')">x</button>`))
	}))
	defer app.Close()
	q = s.ask("", storage.Interaction{RedirectURI: app.URL + "/callback"})

	ctx := chromiumtest.New(t)
	chromiumtest.Do(t, ctx, chromedp.Navigate(app.URL))
	opened := chromedp.WaitNewTarget(ctx, func(i *target.Info) bool { return strings.Contains(i.URL, "/login") })
	chromiumtest.Do(t, ctx, chromedp.Click(chromedp.ID("b")))
	var id target.ID
	select {
	case id = <-opened:
	case <-time.After(time.Minute):
		t.Fatal("no window was opened")
	}
	popup, cancel := chromedp.NewContext(ctx, chromedp.WithTargetID(id))
	defer cancel()
	if err := chromedp.Do(popup); err != nil { // attaches for as long as popup lasts
		t.Fatal(err)
	}
	p := &chrome{s, popup}
	chromiumtest.Do(t, popup, chromedp.WaitVisible(chromedp.ID("login")))
	p.fill("login", "jo@example.com")
	p.click("#signin .primary")
	p.fill("password", right)
	// The window closes itself while the click is still being answered.
	_ = chromedp.Do(popup, chromedp.Click(chromedp.CSS("button.primary")))
	for range 100 {
		if chromiumtest.Run(t, ctx, chromedp.Title()) == "signed in" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the page that opened the window was not told")
}

// TestHostileNamesInChromium shows records that hold markup, and listens for scripts.
func TestHostileNamesInChromium(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	c := &chrome{s, chromiumtest.New(t)}
	dialogs := 0
	if err := chromedp.Listen(c.ctx, func(ev any) {
		if _, ok := ev.(*page.EventJavascriptDialogOpening); ok {
			dialogs++
		}
	}); err != nil {
		t.Fatal(err)
	}
	c.open("/login")
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("button.primary")
	for _, bad := range hostile {
		bad = strings.ToValidUTF8(strings.ReplaceAll(bad, "\x00", ""), "")
		user.Profile.Name = bad
		if err := storagetest.UpdateUser(t.Context(), s.store, user); err != nil {
			t.Fatal(err)
		}
		q := s.ask("", storage.Interaction{Client: storage.Client{ClientID: "app", ClientName: bad, LogoURI: bad,
			PolicyURI: bad, TosURI: bad}, LoginHint: bad, Scopes: []string{bad}, Claims: []string{bad}})
		for _, path := range []string{"/login?other=1&", "/consent?", "/select?", "/account?"} {
			c.open(path + q)
			if got := chromiumtest.Run(t, c.ctx,
				chromedp.Evaluate[int](`[...document.scripts].filter((s) => s.text !== "" || `+
					`!s.src.startsWith(location.origin + "/static/")).length + document.querySelectorAll("[onerror], `+
					`[onmouseover], b b, iframe, object, img:not(.client):not(.logo)").length`)); got != 0 {
				t.Errorf("%q at %s: %d elements that no template put there", bad, path, got)
			}
			if path == "/consent?" {
				if got := chromiumtest.Run(t, c.ctx,
					chromedp.Evaluate[string](`document.querySelector(".who b")?.textContent ?? ""`)); got != bad {
					t.Errorf("%q: the name is shown as %q", bad, got)
				}
			}
		}
	}
	if dialogs != 0 {
		t.Errorf("%d scripts ran", dialogs)
	}
}
