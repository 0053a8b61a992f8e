package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestANewCodeIsAnnounced: the page would else look as if nothing had happened.
func TestANewCodeIsAnnounced(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.login.Site.Mailbox = "/dev/mail"
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{
		Methods: []string{storage.MethodPassword, storage.MethodEmail}}})
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	for path, began := range map[string]answer{
		"/signup/confirm": v.signUp("al@example.com"), "/reset": v.forgot("jo@example.com"),
		"/login/code/confirm": v.post("/login/code", "login", "jo@example.com", "by", storage.MethodEmail)} {
		id := flow(t, began)
		if p := v.get(began.leads()); strings.Contains(p.body, english["confirm.sent"]) ||
			!strings.Contains(p.body, `href="/dev/mail"`) {
			t.Errorf("%s: the first code is announced as a new one, or the page does not lead to the mailbox", path)
		}
		again := v.post(path, "flow", id, "resend", "1")
		if to := again.leads(); !strings.HasPrefix(to, path+"?flow=") {
			t.Fatalf("%s: got to %q", path, to)
		}
		p := v.get(again.leads())
		if !strings.Contains(p.body, `role="status">`+english["confirm.sent"]) {
			t.Errorf("%s says nothing of the new code", path)
		}
		id = flow(t, again)
		if p := v.post(path, "flow", id, "code", "00000000", "password", fresh); p.status != http.StatusUnprocessableEntity ||
			strings.Contains(p.body, english["confirm.sent"]) || strings.Contains(p.body, "00000000") ||
			!strings.Contains(p.body, `aria-describedby="code-hint code-error" aria-invalid="true"`) {
			t.Errorf("%s after a wrong code: got %d %s", path, p.status, p.body)
		}
	}
	s.login.Site.Mailbox = ""
	if p := v.get(v.signUp("mo@example.com").leads()); strings.Contains(p.body, "/dev/mail") {
		t.Error("the page leads to a mailbox that there is not")
	}
}

// TestTheFirstFaultIsFocused: of two, the first in the order of the page, without a script.
func TestTheFirstFaultIsFocused(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	v := s.visitor()
	v.get("/signup")
	p := v.post("/signup", "email", "nothing", "password", "short")
	if strings.Count(p.body, " autofocus") != 1 || strings.Count(p.body, `aria-invalid="true"`) != 2 {
		t.Fatalf("got %s", p.body)
	}
	if before, _, _ := strings.Cut(p.body, " autofocus"); !strings.HasSuffix(before, "required") ||
		strings.Contains(before, `id="password"`) {
		t.Errorf("the focus is not on the first: %s", p.body)
	}
}

// TestALongFormSumsUpItsFaults: the profile is longer than a screen.
func TestALongFormSumsUpItsFaults(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	page := v.at("/account/profile")
	for _, want := range []string{`id="birthdate" name="birthdate" type="date"`, `list="zones"`, `list="countries"`,
		`<datalist id="zones" data-of="zones">`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	p := v.post("/account/profile", "name", "Jo", "website", "nothing", "zoneinfo", "nowhere", "birthdate", "nothing")
	_, summary, ok := strings.Cut(p.body, english["faults.title"])
	summary, _, _ = strings.Cut(summary, "</ul>")
	if !ok || p.status != http.StatusUnprocessableEntity || strings.Count(summary, "<a href=\"#") != 3 {
		t.Fatalf("got %d, %s", p.status, summary)
	}
	for _, field := range []string{"website", "zoneinfo", "birthdate"} {
		if !strings.Contains(summary, `href="#`+field+`"`) || !strings.Contains(p.body, `aria-describedby="`) ||
			!strings.Contains(p.body, `id="`+field+`-error"`) {
			t.Errorf("%s is not in %s", field, summary)
		}
	}
	if strings.Count(p.body, " autofocus") != 1 || !strings.Contains(p.body, `value="Jo"`) ||
		!strings.Contains(p.body, `name="birthdate" type="text" value="nothing"`) {
		t.Errorf("got %s", p.body)
	}
	// A year alone, which OpenID Connect allows, is not lost in an input for dates.
	if p := v.post("/account/profile", "birthdate", "1990"); p.leads() != "/account?done=profile" {
		t.Fatalf("got %d", p.status)
	}
	if p := v.at("/account/profile"); !strings.Contains(p.body, `name="birthdate" type="text" value="1990"`) {
		t.Error("the year is lost")
	}
}

// TestADangerousChangeAsksFirst: what switches off or replaces the second factor is folded into a question.
func TestADangerousChangeAsksFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	v := s.visitor()
	v.signIn("jo@example.com", right)
	v.leads(v.post("/second-factor", "code", jo.shows()), "/")
	p := v.at("/account/second-factor")
	for _, do := range []string{"codes", "off"} {
		before, _, ok := strings.Cut(p.body, `name="do" value="`+do+`"`)
		if !ok || strings.Count(before, "<details class=\"ask\"") != strings.Count(before, "</details>")+1 {
			t.Errorf("%s is done without a question: %v", do, ok)
		}
	}
}

// TestNewAccountsAreWelcome, and say that there is nothing yet where there is nothing.
func TestNewAccountsAreWelcome(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	v := s.visitor()
	id := flow(t, v.signUp("jo@example.com"))
	v.leads(v.post("/signup/confirm", "flow", id, "code", s.mails.Next(t, "jo@example.com").Code), "/")
	p := v.at("/account")
	for _, id := range []string{"account.done.welcome", "account.password_since", "account.none"} {
		want := english[id]
		if !strings.Contains(p.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if next := english.Must("home.next", english["account.apps"]); !strings.Contains(p.body, next) {
		t.Errorf("the page does not say what comes next: %q", next)
	}
	if strings.Contains(p.body, "Changed on") {
		t.Error("the password of a new account is said to have changed")
	}

	// An account that is as new, but made by an administrator, has been ready before its user came.
	mo := s.user("default", "mo@example.com", "", right)
	must(t, s.store.Apply(t.Context(), storage.Change{TenantID: mo.TenantID, UserID: mo.ID, Now: mo.CreatedAt,
		Events: []storage.Event{audit.Actor(people.ActorCommand)(storage.Event{
			TenantID: mo.TenantID, UserID: mo.ID, Kind: storage.EventUserAdded})}}))
	p = s.signedIn("mo@example.com").at("/account")
	for _, said := range []string{english["account.done.welcome"], english.Must("home.next", english["account.apps"])} {
		if strings.Contains(p.body, said) {
			t.Errorf("a user that an administrator added is told %q", said)
		}
	}
}

// TestPagesTellBrowsersHowToShowThem, and that they need no camera.
func TestPagesTellBrowsersHowToShowThem(t *testing.T) {
	t.Parallel()
	v := newSite(t, free).visitor()
	if p := v.get("/login"); !strings.Contains(p.header.Get("Permissions-Policy"), "camera=()") ||
		!strings.Contains(p.body, `name="theme-color"`) || !strings.Contains(p.body, `rel="apple-touch-icon"`) {
		t.Errorf("got %v", p.header)
	}
}

// TestTriesThatAreLeftAreTold, in the same way whether or not there is an account.
func TestTriesThatAreLeftAreTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	var told [2][]string
	for i, login := range []string{"jo@example.com", "nobody@example.com"} {
		v := s.visitor()
		id := flow(t, v.forgot(login))
		for range 6 {
			p := v.post("/reset", "flow", id, "code", "00000000", "password", fresh)
			told[i] = append(told[i], alertOf(p))
		}
	}
	want := []string{english.Must("confirm.wrong_left", 4), english.Must("confirm.wrong_left", 3),
		english.Must("confirm.wrong_left", 2), english.Must("confirm.wrong_left", 1), english["confirm.wrong"],
		english["confirm.wrong"]}
	if !slices.Equal(told[0], want) || !slices.Equal(told[1], want) {
		t.Errorf("got %q and %q, want %q", told[0], told[1], want)
	}
}
