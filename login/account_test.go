package login

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// at opens a page of the account, which its forms need.
func (v *visitor) at(path string) answer {
	v.t.Helper()
	p := v.get(path)
	if p.status != http.StatusOK {
		v.t.Fatalf("%s: got %d to %q", path, p.status, p.location())
	}
	return p
}

// signedIn is a browser in which the user has just signed in.
func (s *site) signedIn(name string) *visitor {
	s.t.Helper()
	v := s.visitor()
	if p := v.signIn(name, right); p.leads() != "/" {
		s.t.Fatalf("%s cannot sign in: got %d", name, p.status)
	}
	return v
}

// age makes it longer ago that the user proved themselves.
func (s *site) age(u storage.User, by time.Duration) {
	s.t.Helper()
	for _, sess := range s.sessionsOf(u) {
		sess.AuthTime = sess.AuthTime.Add(-by)
		if err := storagetest.RenewSession(s.t.Context(), s.store, sess, sess.SecretHash); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) sessionsOf(u storage.User) []storage.Session {
	s.t.Helper()
	all, err := s.store.SessionsOf(s.t.Context(), u.TenantID, u.ID, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// stored is the user as the store has them now.
func (s *site) stored(u storage.User) storage.User {
	s.t.Helper()
	now, err := s.store.User(s.t.Context(), u.TenantID, u.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return now
}

// grant gives the client something in the session ("" for none of it).
func (s *site) grant(u storage.User, client, session string, offline bool) storage.Grant {
	s.t.Helper()
	now := time.Now()
	g := storage.Grant{TenantID: u.TenantID, ID: uuid.Must(uuid.NewV7()).String(), CodeID: uuid.NewString(), UserID: u.ID,
		ClientID: client, SessionID: session, Offline: offline,
		CredentialVersion: s.stored(u).CredentialVersion, Scopes: []string{"openid"}, AuthTime: now, CreatedAt: now,
		ExpiresAt: now.Add(time.Hour)}
	if _, err := s.store.RedeemCode(s.t.Context(), g, nil); err != nil {
		s.t.Fatal(err)
	}
	return g
}

func (s *site) lives(g storage.Grant) bool {
	s.t.Helper()
	_, _, err := s.store.LiveGrant(s.t.Context(), g.TenantID, g.ID, "", time.Now(), nil)
	return err == nil
}

// count is how many events of the kind there are.
func (s *site) count(kind string) int {
	n := 0
	for _, e := range s.events("default") {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestTheAccountPageShowsEverySection(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) {
		c.Service.StandIns = []storage.Upstream{{ID: "google", Preset: "google", ClientID: "c"}}
	})
	jo := s.user("default", "jo@example.com", "jo", right)
	jo.Profile.Name = "Jo Doe"
	s.rules(func(settings *storage.TenantSettings) {
		settings.SignInAs.Enabled, settings.APIKeys.Users = true, true
	})
	role := storage.RoleSupport
	err := s.store.Apply(t.Context(), storage.Change{TenantID: jo.TenantID, UserID: jo.ID, Now: time.Now(), Update: &jo,
		SetAdmin: &role})
	if err != nil {
		t.Fatal(err)
	}
	v := s.signedIn("jo")
	if p := v.get("/"); p.leads() != "/account" {
		t.Errorf("the start page: got %d to %q", p.status, p.location())
	}
	p := v.at("/account")
	for _, want := range []string{"Jo Doe", "jo@example.com (not confirmed)", english.Must("account.password_since"),
		"Signed in on 1 device", english.Must("home.admin")} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the account page lacks %q", want)
		}
	}
	for _, sec := range account.Sections {
		if !strings.Contains(p.body, `href="/account/`+sec.Path+`"`) {
			t.Errorf("the account page does not lead to %s", sec.Path)
		}
		if p := v.at("/account/" + sec.Path); !strings.Contains(p.body, `href="/account"`) {
			t.Errorf("%s does not lead back", sec.Path)
		}
	}
	for _, lang := range texts.Languages() {
		if p := v.get("/account?ui_locales=" + lang); !strings.Contains(p.body, `lang="`+lang+`"`) {
			t.Errorf("%s: got another language", lang)
		}
	}
	if p := v.get("/account?done=%3Cb%3E"); strings.Contains(p.body, `role="status"`) {
		t.Error("the page says what an address wants it to say")
	}
}

// accountPage is a page of the account, and whether it has a form.
type accountPage struct {
	path string
	form bool
}

// accountPages are the pages of the account, in the order of their routes.
func (s *site) accountPages() []accountPage {
	s.t.Helper()
	var pages []accountPage
	err := s.router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil || path != "/account" && !strings.HasPrefix(path, "/account/") {
			return nil
		}
		methods, err := route.GetMethods()
		if slices.Contains(methods, http.MethodPost) {
			pages[len(pages)-1].form = true // the route of the page stands before that of its form
			return err
		}
		pages = append(pages, accountPage{path: path})
		return err
	})
	if err != nil || len(pages) < 18 {
		s.t.Fatalf("got %d pages of the account: %v", len(pages), err)
	}
	return pages
}

// TestAccountPagesAskWhoIsThere is for H11: a browser that is not signed in, or no longer,
// gets nowhere.
func TestAccountPagesAskWhoIsThere(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	gone := s.signedIn("jo@example.com")
	cookie := gone.cookie("session")
	gone.get("/signout")
	gone.post("/signout")
	gone.plant(&http.Cookie{Name: "vouchsafe-session", Value: cookie, Path: "/"})
	never := s.visitor()
	never.get("/login")
	for _, v := range []*visitor{never, gone} {
		for _, route := range s.accountPages() {
			if route.path == "/account/deleted" || route.path == "/account/email/confirm" {
				continue // these pages say nothing about a user
			}
			section := strings.Join(strings.SplitN(route.path, "/", 4)[:min(3, strings.Count(route.path, "/")+1)], "/")
			if account.IsPage(route.path) {
				section = route.path
			}
			want := "/login?next=" + url.QueryEscape(section)
			if p := v.get(route.path); p.leads() != want {
				t.Errorf("%s: got %d to %q", route.path, p.status, p.location())
			}
			if !route.form {
				continue
			}
			if p := v.post(route.path, "others", "1", "sure", "1", "email", "mo@example.com"); p.leads() != want {
				t.Errorf("POST %s: got %d to %q", route.path, p.status, p.location())
			}
		}
	}
}

// TestASignInLeadsToOwnPagesOnly: what it was asked for is carried along, and nothing else
// can be named.
func TestASignInLeadsToOwnPagesOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	for next, want := range map[string]string{
		"/account": "/account", "/account/apps": "/account/apps", "/account/email": "/account/email",
		"//evil.example/account": "/", "https://evil.example/account": "/", "/account/../signout": "/",
		"/account/nothing": "/", "/signout": "/",
		"/account/email/confirm?token=x": "/", "/account\\@evil.example": "/", "": "/", "account": "/",
	} {
		v := s.visitor()
		page := v.get("/login?next=" + url.QueryEscape(next))
		if carried := strings.Contains(page.body, `name="next"`); carried != (want != "/") {
			t.Errorf("%q: the page carries a next: %v", next, carried)
		}
		if p := v.post("/login", "login", "jo@example.com", "password", right, "next", next); p.location() != want {
			t.Errorf("%q: led to %q, want %q", next, p.location(), want)
		}
		if p := v.get("/login?next=" + url.QueryEscape(next)); p.location() != want {
			t.Errorf("%q: signed in already, led to %d %q, want %q", next, p.status, p.location(), want)
		}
	}
}

// TestSensitiveMattersNeedAFreshProof is for H12.
func TestSensitiveMattersNeedAFreshProof(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	passkeyOnly := s.user("default", "mo@example.com", "", "")
	v := s.signedIn("jo@example.com")
	v.at("/account/email")
	s.age(jo, people.Freshness-time.Minute)
	v.at("/account/email")
	s.age(jo, time.Minute+time.Second)
	for _, path := range []string{"/account/email", "/account/data", "/account/delete"} {
		want := "/login?next=" + url.QueryEscape(path)
		if p := v.get(path); p.location() != want {
			t.Errorf("%s: got %d to %q", path, p.status, p.location())
		}
		if p := v.post(path, "sure", "1", "email", "new@example.com"); p.location() != want ||
			strings.Contains(p.body, jo.ID) {
			t.Errorf("POST %s: got %d to %q", path, p.status, p.location())
		}
	}
	for _, path := range []string{"/account", "/account/profile", "/account/password", "/account/sessions",
		"/account/apps", "/account/activity"} {
		v.at(path)
	}
	if got := s.stored(jo); got.Email != "jo@example.com" || s.count("email.asked")+s.count("data.downloaded") != 0 {
		t.Error("something was done without a fresh proof")
	}
	// The page asks for the same user again; a wrong answer opens nothing.
	if p := v.get("/login?next=/account/delete"); p.status != http.StatusOK ||
		!strings.Contains(p.body, english.Must("signin.again")) ||
		!strings.Contains(p.body, `name="next" value="/account/delete"`) {
		t.Errorf("the sign-in page: got %d to %q", p.status, p.location())
	}
	if p := v.post("/login", "confirm", "1", "login", "jo@example.com", "password", "wrong horse", "next",
		"/account/delete"); p.status != http.StatusUnprocessableEntity ||
		!strings.Contains(p.body, `name="next" value="/account/delete"`) {
		t.Errorf("a wrong password: got %d", p.status)
	}
	if p := v.get("/account/delete"); p.leads() != "/login?next=%2Faccount%2Fdelete" {
		t.Errorf("after a wrong password: got %d", p.status)
	}
	if p := v.post("/login", "confirm", "1", "login", "jo@example.com", "password", right, "next",
		"/account/delete"); p.location() != "/account/delete" {
		t.Errorf("the right one: got %d to %q", p.status, p.location())
	}
	v.at("/account/delete")

	// Who has no password to be asked for has to be fresh to set one. The proof may be of
	// any kind: what counts is when it was given.
	other := s.as(passkeyOnly, "hwk", "user")
	if p := other.at("/account/password"); strings.Contains(p.body, "old_password") {
		t.Error("a password is asked for that there is not")
	}
	s.age(passkeyOnly, people.Freshness+time.Second)
	if p := other.get("/account/password"); p.location() != "/login?next=%2Faccount%2Fpassword" {
		t.Errorf("no password, not fresh: got %d to %q", p.status, p.location())
	}
	if p := other.post("/account/password", "password",
		"purple walrus umbrella"); p.location() != "/login?next=%2Faccount%2Fpassword" {
		t.Errorf("set without a fresh proof: got %d to %q", p.status, p.location())
	}
	if p := s.visitor().signIn("mo@example.com", "purple walrus umbrella"); p.status != http.StatusUnprocessableEntity {
		t.Error("a password was set without a fresh proof")
	}
}

// as is a browser in which the user has proven themselves by amr.
func (s *site) as(u storage.User, amr ...string) *visitor {
	s.t.Helper()
	path := "/as/" + uuid.NewString()
	s.router.Handle(path, s.login.site.Page(func(w http.ResponseWriter, r *http.Request) error {
		return s.login.proven(w, r, nil, u, amr...)
	}))
	v := s.visitor()
	v.get("/login")
	v.get(path)
	return v
}

// TestChangesToAnotherAccountAreRefused: the browser changed accounts in another tab since
// the page was shown.
func TestChangesToAnotherAccountAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.user("default", "jo@example.com", "", right), s.user("default", "mo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/delete")
	about := v.about
	v.signIn("mo@example.com", right)
	var posted []string
	for _, route := range s.accountPages() {
		if !route.form {
			continue
		}
		posted = append(posted, route.path)
		for _, session := range []string{about, "", "x", s.sessionsOf(jo)[0].ID} {
			p := v.post(route.path, "session", session, "sure", "1", "others", "1", "email", "new@example.com", "name", "Evil",
				"old_password", right, "password", "purple walrus umbrella", "flow", "x", "code", "1", "client", "app")
			if p.status != http.StatusConflict {
				t.Errorf("%s of session %q: got %d, want 409", route.path, session, p.status)
			}
		}
	}
	if !slices.Contains(posted, "/account/delete") || len(posted) < 8 {
		t.Errorf("tried %q", posted)
	}
	for _, u := range []storage.User{jo, mo} {
		now := s.stored(u)
		if now.Email != u.Email || now.Profile != u.Profile || now.CredentialVersion != u.CredentialVersion ||
			len(s.sessionsOf(u)) != 1 {
			t.Errorf("%s was changed: %+v", u.Email, now)
		}
	}
	// A session that was ended from elsewhere while there is another one.
	if err := s.store.Apply(t.Context(),
		storage.Change{TenantID: "default", UserID: mo.ID, Now: time.Now(),
			EndSessions: &storage.SessionFilter{}}); err != nil {
		t.Fatal(err)
	}
	if p := v.get("/account"); p.location() != "/select" {
		t.Errorf("the current session was ended: got %d to %q", p.status, p.location())
	}
}

// agent is a browser that calls itself something.
type agent struct {
	http.RoundTripper
	name string
}

// RoundTrip implements http.RoundTripper.
func (a agent) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", a.name)
	return a.RoundTripper.RoundTrip(r)
}

// allow is a consent of the user.
func (s *site) allow(u storage.User, client string, scopes ...string) {
	s.t.Helper()
	err := storagetest.PutConsent(s.t.Context(), s.store,
		storage.Consent{TenantID: u.TenantID, UserID: u.ID, ClientID: client, Scopes: scopes, GrantedAt: time.Now()})
	if err != nil {
		s.t.Fatal(err)
	}
}
