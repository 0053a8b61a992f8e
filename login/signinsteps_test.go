package login

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// names types a name on the first page, and returns the page that follows with its address.
func (v *visitor) names(name string, fields ...string) (page answer, at string) {
	v.t.Helper()
	p := v.post("/login", append([]string{"login", name}, fields...)...)
	at = p.leads()
	if !strings.HasPrefix(at, v.base+"/login?") || !strings.Contains(at, "as=") {
		v.t.Fatalf("a name leads to %d %q", p.status, at)
	}
	return v.get(strings.TrimPrefix(at, v.base)), at
}

// element returns the element of a page that has the id.
func element(body, id string) string {
	return regexp.MustCompile(`<(input|button|a) id="` + id + `"[^>]*>`).FindString(body)
}

func TestTheSignInAsksForTheNameFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	first := v.get("/login?" + q)
	if strings.Contains(first.body, `type="password"`) {
		t.Error("the first page has a field for a password: managers would fill it in for another name")
	}
	if got := element(first.body, "login"); !strings.Contains(got, `autocomplete="username`) ||
		!strings.Contains(got, "autofocus") || strings.Contains(got, "readonly") {
		t.Errorf("the field for the name: %s", got)
	}
	page, at := v.names("jo@example.com", "i", "letter-1")
	if strings.Contains(at, "jo@") || strings.Contains(at, "jo%40") || !strings.Contains(at, "i=letter-1") {
		t.Errorf("the name is in the address, or the request is not: %s", at)
	}
	// Password managers find the account by a field for the name on the page of the password.
	if got := element(page.body, "login"); !strings.Contains(got, `autocomplete="username"`) ||
		!strings.Contains(got, `value="jo@example.com"`) || !strings.Contains(got, "readonly") ||
		strings.Contains(got, "hidden") {
		t.Errorf("the name on the second page: %s", got)
	}
	if got := element(page.body, "password"); !strings.Contains(got, `autocomplete="current-password`) ||
		!strings.Contains(got, "autofocus") {
		t.Errorf("the field for the password: %s", got)
	}
	if at := strings.Index(page.body, english["forgot.title"]); at < 0 || at > strings.Index(page.body, `id="password"`) {
		t.Error("the way to a new password is not at the label of the password")
	}
	v.leads(v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right), "/authorize?"+q)
	// "Change" leads to the first page, with the name to correct.
	w := s.visitor()
	w.get("/login")
	page, _ = w.names("jo@exmaple.com")
	to := regexp.MustCompile(`href="(/login\?[^"]*other=1[^"]*)"`).FindStringSubmatch(page.body)
	if to == nil {
		t.Fatalf("no way back to the name: %s", page.body)
	}
	if p := w.get(strings.ReplaceAll(to[1], "&amp;", "&")); strings.Contains(p.body, `type="password"`) ||
		!strings.Contains(element(p.body, "login"), `value="jo@exmaple.com"`) {
		t.Errorf("to change the name: %s", p.body)
	}
}

// TestAClientsHintIsTheNameThatWasTyped: the user does not type again what the app asked for.
func TestAClientsHintIsTheNameThatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	q := s.ask("", storage.Interaction{LoginHint: "jo@example.com"})
	v := s.visitor()
	page := v.get("/login?" + q)
	if !strings.Contains(element(page.body, "password"), "autofocus") ||
		!strings.Contains(element(page.body, "login"), `value="jo@example.com"`) {
		t.Errorf("the page: %s", page.body)
	}
	if p := v.get("/login?other=1&" + q); strings.Contains(p.body, `type="password"`) {
		t.Error("there is no way to the first page")
	}
	// What the user types counts more.
	if page, _ := v.names("mo@example.com", "i", "letter-1"); !strings.Contains(page.body, `value="mo@example.com"`) {
		t.Errorf("the page: %s", page.body)
	}
}

// TestEveryNameGetsTheSameSecondPage, whether there is an account, and whatever it has.
func TestEveryNameGetsTheSameSecondPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{"password", "email"}}})
	var first string
	names := lookalikes(t, s)
	delete(names, "no name at all")
	for what, name := range names {
		v := s.visitor()
		v.get("/login")
		page, at := v.names(name)
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		body := strings.NewReplacer(v.form, "FORM", name, "NAME", url.QueryEscape(u.Query().Get("as")), "AS").
			Replace(page.body)
		if first == "" {
			first = body
		}
		if diff := cmp.Diff(first, body); diff != "" || page.status != http.StatusOK {
			t.Errorf("%s: %d, differs:\n%s", what, page.status, diff)
		}
	}
}

func TestARefusedPasswordIsSaidOnceAtItsField(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	v.get("/login")
	_, at := v.names("jo@example.com")
	req := v.request("/login", "login", "jo@example.com", "password", "wrong battery horse")
	resp, err := v.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	var to string
	if to = (answer{status: resp.StatusCode, header: resp.Header}).leads(); !strings.HasPrefix(to, "/login?as=") {
		t.Fatalf("refused with %d to %q, want a redirect: Back must not send the password again", resp.StatusCode, to)
	}
	page := v.get(to)
	got := element(page.body, "password")
	if page.status != http.StatusUnprocessableEntity || !strings.Contains(got, `aria-invalid="true"`) ||
		!strings.Contains(got, `aria-describedby="password-error"`) || !strings.Contains(got, "autofocus") ||
		!strings.Contains(page.body, `id="password-error" role="alert">`+english["signin.wrong"]) ||
		!strings.Contains(element(page.body, "login"), `value="jo@example.com"`) ||
		strings.Contains(page.body, "wrong battery horse") {
		t.Errorf("got %d: %s", page.status, page.body)
	}
	for _, again := range []string{to, at} { // Reload, and Back
		if p := v.get(again); p.status != http.StatusOK || strings.Contains(p.body, "password-error") {
			t.Errorf("%s: %d: %s", again, p.status, p.body)
		}
	}
}

// TestThePageSaysHowManyTriesAreLeft: the same for names without an account.
func TestThePageSaysHowManyTriesAreLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	want := []string{english["signin.wrong"], english["signin.wrong"], "2 tries left", "1 try left",
		english["signin.wrong_last"]}
	for _, name := range []string{"jo@example.com", "un@example.com"} {
		v := s.visitor()
		for i, text := range want {
			if p := v.signIn(name, "wrong battery horse"); !strings.Contains(p.body, text) {
				t.Errorf("%s, try %d: want %q: %s", name, i+1, text, p.body)
			}
		}
		if p := v.signIn(name, "wrong battery horse"); p.status != http.StatusTooManyRequests {
			t.Errorf("%s: try %d: %d", name, len(want)+1, p.status)
		}
	}
}

// TestANameBelongsToItsBrowser: what one browser typed shows no page in another, and nothing else is taken for it.
func TestANameBelongsToItsBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	v.get("/login")
	_, at := v.names("jo@example.com")
	other := s.visitor()
	other.get("/login")
	for what, p := range map[string]answer{"another browser": other.get(at), "damaged": v.get(at[:len(at)-3] + "AAA"),
		"none": v.get("/login?as="), "a name": v.get("/login?as=jo%40example.com")} {
		if p.status != http.StatusOK || strings.Contains(p.body, `type="password"`) || strings.Contains(p.body, "jo@") {
			t.Errorf("%s: %d: %s", what, p.status, p.body)
		}
	}
	long, _ := v.names("u" + strings.Repeat("é", 4000))
	if !strings.Contains(long.body, `type="password"`) {
		t.Errorf("a long name: %d", long.status)
	}
	if p := v.post("/login", "login", "  "); p.status != http.StatusUnprocessableEntity ||
		!strings.Contains(element(p.body, "login"), "aria-invalid") {
		t.Errorf("no name: %d: %s", p.status, p.body)
	}
}

// TestABrowserThatKnowsTheUserOffersTheirWays, and no other browser does.
func TestABrowserThatKnowsTheUserOffersTheirWays(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{"password", "email"}}})
	s.user("default", "jo@example.com", "jo", "")
	s.user("default", "mo@example.com", "", right)
	v := s.visitor()
	v.get("/login")
	v.post("/login/code", "login", "jo@example.com", "by", "email")
	link := s.mails.Next(t, "jo@example.com").Link
	v.leads(v.post("/login/code/confirm", "token", link[strings.Index(link, "token=")+6:]), "/")
	const asksPassword = `type="password"`
	ask := func(who *visitor, name string) string {
		who.get("/login?other=1")
		page, _ := who.names(name)
		return page.body
	}
	v.client.Jar.SetCookies(parsed(t, s.url), []*http.Cookie{{Name: "vouchsafe-session", MaxAge: -1}})
	for _, name := range []string{"jo@example.com", "JO"} {
		if body := ask(v, name); strings.Contains(body, asksPassword) ||
			!strings.Contains(body, `class="primary" form="signin" name="by" value="email"`) {
			t.Errorf("%s: the browser that knows the user offers a password, or no code: %s", name, body)
		}
	}
	if body := ask(v, "mo@example.com"); !strings.Contains(body, asksPassword) {
		t.Error("another user's ways are known")
	}
	for _, name := range []string{"jo@example.com", "JO"} {
		if body := ask(s.visitor(), name); !strings.Contains(body, asksPassword) {
			t.Errorf("%s: a browser that does not know the user learns that there is no password", name)
		}
	}
}

func parsed(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestToConfirmOnlyWhatTheAccountHasIsOffered, and another account at the provider is not taken silently.
func TestToConfirmOnlyWhatTheAccountHasIsOffered(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.GitHub)
	f.verified(f.user(storage.DefaultTenant, "mo@example.com", "", ""))
	v, jo := f.came(fakeidp.Google, fedJo) // a new account without a password
	other := fedJo
	other.Subject, other.Email, other.Name = "990", "sam@example.com", "Sam Poe"
	if err := storagetest.AddIdentity(t.Context(), f.store, storage.Identity{
		TenantID: jo.TenantID, Provider: fakeidp.Google, Subject: other.Subject,
		UserID: f.verified(f.user(storage.DefaultTenant, other.Email, "", "")).ID}); err != nil {
		t.Fatal(err)
	}
	q := f.ask("", storage.Interaction{Fresh: true})
	page := v.get("/login?" + q)
	if !strings.Contains(page.body, english["signin.again"]) || strings.Contains(page.body, "/upstream/github") ||
		strings.Contains(page.body, `type="password"`) || !strings.Contains(page.body, "/upstream/google?confirm=1") {
		t.Errorf("the page offers what the account does not have, or not what it has: %s", page.body)
	}
	session := v.cookie("session")
	for what, who := range map[string]fakeidp.Person{"another user": other,
		"no user": {Subject: "9", Email: "new@example.com", Name: "Sam Poe"}} {
		to, _ := v.depart(fakeidp.Google, "confirm=1&"+q, who)
		resp, err := v.client.Get(to)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		p := v.get(resp.Header.Get("Location")) // the page that asked
		if p.status != http.StatusForbidden || !strings.Contains(p.body, "you signed in as Sam Poe") ||
			v.cookie("session") != session {
			t.Errorf("%s: %s", what, p.body)
		}
	}
	if _, err := f.store.UserByEmail(t.Context(), storage.DefaultTenant, "new@example.com"); err == nil {
		t.Error("to confirm made an account")
	}
	v.goes(v.come(fakeidp.Google, "confirm=1&"+q, fedJo), "/authorize")
}
