package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
)

const another = "crimson otter lantern"

// TestAPasswordsChangeEndsEverythingElse is for H1 and H11: other browsers and every app
// are out, the one that changed it goes on with another cookie, and the old one is dead.
func TestAPasswordsChangeEndsEverythingElse(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	mo := s.user("default", "mo@example.com", "", right)
	other := s.signedIn("jo@example.com")
	v := s.as(jo, "hwk", "user")
	session := s.sessionsOf(jo)[0]
	grants := []storage.Grant{s.grant(jo, "app", session.ID, false), s.grant(jo, "app", "", true)}
	old := v.cookie("session")
	v.at("/account/password")
	if p := v.post("/account/password", "old_password", right, "password", another, "roles", "admin", "user",
		"x"); p.leads() != "/account?done=password" {
		t.Fatalf("got %d to %q: %s", p.status, p.location(), p.body)
	}
	if p := v.at("/account?done=password"); !strings.Contains(p.body, english["account.done.password"]) {
		t.Error("the page does not say so")
	}
	if p := other.get("/account"); p.leads() != toSignIn {
		t.Errorf("the other browser: got %d", p.status)
	}
	thief := s.visitor()
	thief.plant(&http.Cookie{Name: "vouchsafe-session", Value: old, Path: "/"})
	if p := thief.get("/account"); p.leads() != toSignIn {
		t.Errorf("the old cookie: got %d", p.status)
	}
	for _, g := range grants {
		if s.lives(g) {
			t.Errorf("the grant of session %q lives on", g.SessionID)
		}
	}
	now := s.sessionsOf(jo)
	if len(now) != 1 || now[0].ID == session.ID || !slices.Equal(now[0].AMR, []string{"hwk", "user", "pwd"}) ||
		now[0].ACR != session.ACR {
		t.Errorf("got sessions %+v", now)
	}
	if p := s.visitor().signIn("jo@example.com", right); p.status != http.StatusUnprocessableEntity {
		t.Errorf("the old password: got %d", p.status)
	}
	s.signedWith("jo@example.com", another)
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Subject, "password") || m.Code != "" {
		t.Errorf("got mail %q", m.Subject)
	}
	if s.count("password.changed") != 1 || s.stored(jo).Roles != nil {
		t.Error("no event, or more was changed than the password")
	}

	// The tenant's policy: everybody out, here too.
	s.settle("default", storage.TenantSettings{Passwords: storage.PasswordSettings{SignOut: storage.SignOutAll}})
	v = s.signedIn("mo@example.com")
	if p := v.at("/account/password"); !strings.Contains(p.body, english["newpassword.lead_all"]) {
		t.Error("the page does not say that everybody is signed out")
	}
	v.post("/account/password", "old_password", right, "password", another)
	if len(s.sessionsOf(mo)) != 0 || v.cookie("session") != "" {
		t.Error("a user is still signed in")
	}
}

func (s *site) signedWith(login, secret string) {
	s.t.Helper()
	if p := s.visitor().signIn(login, secret); p.leads() != "/" {
		s.t.Errorf("%s cannot sign in: got %d", login, p.status)
	}
}

func TestANewPasswordIsJudged(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	if p := v.at("/account/password"); !strings.Contains(p.body, "<meter") ||
		!strings.Contains(p.header.Get("Content-Security-Policy"), "script-src 'self'") {
		t.Error("the page does not show how strong a password is")
	}
	for _, test := range []struct{ old, fresh, want string }{
		{"", another, english.Must("newpassword.missing")},
		{strings.Repeat("x", 2000), another, english.Must("newpassword.missing")},
		{"wrong horse", another, english.Must("newpassword.wrong")},
		{right, "", english.Must("password.missing")},
		{right, "short", english.Must("setup.short", 8)},
		{right, "Jo@Example.com", english.Must("setup.name")},
		{right, right, english.Must("password.reused")},
	} {
		p := v.post("/account/password", "old_password", test.old, "password", test.fresh)
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, test.want) {
			t.Errorf("%.20q to %q: got %d without %q", test.old, test.fresh, p.status, test.want)
		}
		if test.fresh != "" && strings.Contains(p.body, test.fresh+`"`) && test.fresh != "Jo@Example.com" {
			t.Errorf("%q is in the page", test.fresh)
		}
	}
	if now := s.stored(jo); now.CredentialVersion != jo.CredentialVersion || len(s.sessionsOf(jo)) != 1 {
		t.Error("something was changed")
	}
	if n := s.count("password.refused"); n != 1 {
		t.Errorf("got %d events password.refused, want 1", n)
	}
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodPasskey}}})
	if p := v.get("/account/password"); p.status != http.StatusNotFound {
		t.Errorf("where there are no passwords: got %d", p.status)
	}
	if p := v.at("/account"); strings.Contains(p.body, "/account/password") {
		t.Error("where there are no passwords: the account page leads to one")
	}
	if p := v.at("/account/activity"); strings.Contains(p.body, "/account/password") {
		t.Error("where there are no passwords: the activity leads to one")
	}
}

// TestTheOldPasswordIsNotGuessed: an attacker at a browser that is signed in must
// not learn the password by trying, not with many tries at once either (H6).
func TestTheOldPasswordIsNotGuessed(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.PerDevice = limit.Rule{Max: 3, Window: time.Hour} })
	s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/password")
	statuses := map[int]int{}
	done := make(chan int)
	for range 20 {
		req := v.request("/account/password", "old_password", "wrong horse", "password", another)
		go func() {
			resp, err := v.client.Do(req)
			if err != nil {
				t.Error(err)
				done <- 0
				return
			}
			_ = resp.Body.Close()
			done <- s.refusal(resp).Status
		}()
	}
	for range 20 {
		statuses[<-done]++
	}
	if statuses[http.StatusUnprocessableEntity] != 3 || statuses[http.StatusTooManyRequests] != 17 ||
		s.count("password.refused") != 3 {
		t.Errorf("got %v", statuses)
	}
	if p := v.post("/account/password", "old_password", right, "password",
		another); p.status != http.StatusTooManyRequests || p.header.Get("Retry-After") == "" {
		t.Errorf("the right one, too late: got %d", p.status)
	}
}

func TestAFirstPasswordIsSet(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", "")
	v := s.as(jo, "hwk", "user")
	v.at("/account/password")
	if p := v.post("/account/password", "password", another); p.location() != "/account?done=password" {
		t.Fatalf("got %d", p.status)
	}
	s.signedWith("jo@example.com", another)
	if now := s.sessionsOf(jo); len(now) != 2 || slices.Contains(now[1].AMR, "pwd") && slices.Contains(now[0].AMR, "pwd") {
		t.Errorf("got sessions %+v", now)
	}
	// Now there is one to ask for.
	v.at("/account/password")
	if p := v.post("/account/password", "password", another+" two"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("without the old one: got %d", p.status)
	}
}
