package login

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// forgot asks for a code; the answer is that of the form.
func (v *visitor) forgot(login string) answer {
	v.t.Helper()
	v.get("/forgot")
	return v.post("/forgot", "login", login)
}

// verified adds a user whose address is proven.
func (s *site) verified(email, username, secret string) storage.User {
	s.t.Helper()
	u := s.user("default", email, username, secret)
	u.EmailVerified = true
	if err := storagetest.UpdateUser(s.t.Context(), s.store, u); err != nil {
		s.t.Fatal(err)
	}
	return u
}

// give adds credentials and identities.
func (s *site) give(u storage.User, ids []storage.Identity, kinds ...string) {
	s.t.Helper()
	ch := storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: time.Now(), Link: ids}
	for _, kind := range kinds {
		ch.Credentials = append(ch.Credentials,
			storage.Credential{Kind: kind, Data: []byte("x"), CreatedAt: ch.Now, UpdatedAt: ch.Now})
	}
	if err := s.store.Apply(s.t.Context(), ch); err != nil {
		s.t.Fatal(err)
	}
}

// TestAForgottenPassword: I6, G8. The second factor stays, sessions end, no user is signed in.
func TestAForgottenPassword(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"code", "link", "link elsewhere"} {
		s := newSite(t, free)
		user := s.verified("jo@example.com", "jo", right)
		s.give(user, []storage.Identity{{Provider: "google", Subject: "1"}}, storage.TOTPCredential)
		q := s.ask("", storage.Interaction{})
		thief, v := s.visitor(), s.visitor()
		thief.signIn("jo", right)
		v.get("/forgot?" + q)
		p := v.post("/forgot", "i", "letter-1", "login", "JO")
		id := flow(t, p)
		if p := v.get(p.location()); !strings.Contains(p.body, "JO") || strings.Contains(p.body, "jo@example.com") {
			t.Errorf("%s: got %d, or the address is told", by, p.status)
		}
		m := s.mails.Next(t, "jo@example.com")
		fields := []string{"i", "letter-1", "flow", id, "code", m.Code}
		if by != "code" {
			if by == "link elsewhere" {
				v = s.visitor()
			}
			for range 3 {
				if p := v.get(v.path(m)); p.status != http.StatusOK {
					t.Fatalf("%s: got %d", by, p.status)
				}
			}
			fields = []string{"token", tokenOf(m)}
		}
		for _, bad := range []string{"", "short", "password1"} { // costs no try
			for range 5 {
				if p := v.post("/reset", append(fields, "password", bad)...); p.status != http.StatusUnprocessableEntity ||
					p.location() != "" {
					t.Errorf("%s, %q: got %d", by, bad, p.status)
				}
			}
		}
		if p := v.post("/reset", append(fields, "password", right)...); p.status != http.StatusUnprocessableEntity ||
			alertOf(p) != english["password.reused"] {
			t.Errorf("%s: the old password: got %d, %q", by, p.status, alertOf(p))
		}
		p = v.post("/reset", append(fields, "password", fresh)...)
		if !strings.HasPrefix(p.leads(), "/reset/done") {
			t.Fatalf("%s: got %d to %q: %s", by, p.status, p.location(), alertOf(p))
		}
		if p := v.get(p.location()); p.status != http.StatusOK || by == "code" &&
			!strings.Contains(p.body, `href="/login?`+q+`"`) {
			t.Errorf("%s: got %d without the way on", by, p.status)
		}
		if p := v.post("/reset", append(fields, "password",
			"another walrus umbrella")...); p.status != http.StatusBadRequest {
			t.Errorf("%s: again: got %d", by, p.status)
		}
		for name, who := range map[string]*visitor{"the browser that reset it": v, "the session before": thief} {
			if p := who.get("/signout"); p.location() != "/signed-out" {
				t.Errorf("%s: %s is signed in", by, name)
			}
		}
		if m := s.mails.Next(t, "jo@example.com"); m.Code != "" || !strings.Contains(m.Subject, "password") {
			t.Errorf("%s: the notice is %+v", by, m)
		}
		if _, err := s.store.Credential(t.Context(), "default", user.ID, storage.TOTPCredential, ""); err != nil {
			t.Errorf("%s: the second factor: %v", by, err)
		}
		if ids, err := s.store.IdentitiesOf(t.Context(), "default", user.ID); err != nil || len(ids) != 1 {
			t.Errorf("%s: identities: got %v, %v", by, ids, err)
		}
		if e := s.events("default")[0]; e.Kind != "password.reset" || e.UserID != user.ID {
			t.Errorf("%s: got event %+v", by, e)
		}
	}
}

// TestAResetTakesAnUnprovenAccountBack: G8, G9, G10, and users who were imported.
func TestAResetTakesAnUnprovenAccountBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	user, stranger := s.squat("jo@example.com")
	owner := s.visitor()
	// They know of no account, sign up, and are sent on by the mail.
	flow(t, owner.signUp("jo@example.com"))
	if m := s.mails.Next(t, "jo@example.com"); m.Code != "" || !strings.Contains(m.Text, s.url+"/forgot") {
		t.Fatalf("got %s", m.Text)
	}
	flow(t, owner.forgot("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	owner.get(owner.path(m))
	if p := owner.post("/reset", "token", tokenOf(m), "password", fresh); p.outcome() != "/reset/done" {
		t.Fatalf("got %d: %s", p.status, alertOf(p))
	}
	s.void(user, stranger)
	if p := owner.signIn("jo@example.com", fresh); p.leads() != "/" {
		t.Errorf("the owner: got %d", p.status)
	}
}

func TestCodesOfAResetAreHeldToTheirAccount(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *site, u storage.User){
		"disabled": func(s *site, u storage.User) {
			u.Disabled = true
			must(s.t, storagetest.UpdateUser(s.t.Context(), s.store, u))
		},
		"removed": func(s *site, u storage.User) {
			must(s.t, storagetest.RemoveUser(s.t.Context(), s.store, u.TenantID, u.ID, time.Now()))
		},
		"another address": func(s *site, u storage.User) {
			u.EmailKey = "mo@example.com"
			must(s.t, storagetest.UpdateUser(s.t.Context(), s.store, u))
		},
		"a change of the password": func(s *site, u storage.User) {
			must(s.t, s.store.Apply(s.t.Context(),
				storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: time.Now(), Raise: true}))
		},
	} {
		s := newSite(t, free)
		user := s.verified("jo@example.com", "", right)
		v := s.visitor()
		flow(t, v.forgot("jo@example.com"))
		m := s.mails.Next(t, "jo@example.com")
		v.get(v.path(m))
		change(s, user)
		if p := v.post("/reset", "token", tokenOf(m), "password", fresh); p.leads() != "" {
			t.Errorf("%s: the code still works", name)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestStrangersKeepNoUserFromANewPassword: H7 for resets.
func TestStrangersKeepNoUserFromANewPassword(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) {
		free(c)
		c.PerTarget = limit.Rule{Max: 2, Window: time.Hour}
	})
	s.verified("jo@example.com", "jo", right)
	home := s.visitor()
	home.signIn("jo", right)
	// by the name, and not by the account
	for i, want := range []string{"/reset", "/reset", "/reset", "429", "/reset", "429"} {
		p := s.visitor().forgot([]string{"jo", "jo@example.com", "JO", "Jo", "JO@example.com", "jo@example.com"}[i])
		if p.outcome() != want {
			t.Errorf("a stranger, %d: got %s, want %s", i+1, p.outcome(), want)
		}
	}
	id := flow(t, home.forgot("jo"))
	if p := home.post("/reset", "flow", id, "resend", "1"); p.outcome() != "/reset" {
		t.Errorf("another: got %d", p.status)
	}
	if p := home.forgot("jo"); p.status != http.StatusTooManyRequests {
		t.Errorf("the owner's browser has no limit: got %d", p.status)
	}
}

// TestWhoGetsWhichMail: I6, accounts that a reset must not open.
func TestWhoGetsWhichMail(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.verified("known@example.com", "known", right)
	none := s.verified("none@example.com", "", "")
	social := s.verified("social@example.com", "", "")
	s.give(social, []storage.Identity{{Provider: "google", Subject: "1"}})
	s.give(none, nil, storage.PasskeyCredential)
	off := s.verified("off@example.com", "", right)
	off.Disabled = true
	must(t, storagetest.UpdateUser(t.Context(), s.store, off))
	s.user("default", "", "nameless", right)
	for _, login := range []string{"off@example.com", "nobody@example.com", "nobody", "nameless", "no name at all"} {
		flow(t, s.visitor().forgot(login))
	}
	for email, code := range map[string]bool{"known@example.com": true, "none@example.com": true,
		"social@example.com": false} {
		flow(t, s.visitor().forgot(email))
		if m := s.mails.Next(t, email); (m.Code != "") != code {
			t.Errorf("%s: got %s", email, m.Text)
		}
	}
	time.Sleep(100 * time.Millisecond)
	if all := s.mails.Waiting(); len(all) != 0 {
		t.Errorf("more mails: %+v", all)
	}
	if n, dead, err := s.store.CountDeliveries(t.Context()); n != 0 || dead != 0 || err != nil {
		t.Errorf("in the outbox: %d, %d dead, %v", n, dead, err)
	}
	v := s.visitor()
	v.get("/login") // while it has a form
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodPasskey}}})
	if p := v.get("/forgot"); p.status != http.StatusNotFound {
		t.Errorf("without passwords: got %d", p.status)
	}
	if p := v.post("/forgot", "login", "known@example.com"); p.status != http.StatusNotFound {
		t.Errorf("without passwords, posted: got %d", p.status)
	}
}

// H7: a user who proves the mailbox signs in with the new password, though strangers have used up
// all guesses at the account.
func TestAfterAResetStrangersLockNoUserOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.verified("jo@example.com", "jo", right)
	guess := func() int { return s.visitor().signIn("jo", "wrong battery horse").status }
	for guess() != http.StatusTooManyRequests {
	}
	v := s.visitor()
	v.get("/forgot")
	p := v.post("/forgot", "login", "jo@example.com")
	v.get(p.location())
	p = v.post("/reset", "flow", flow(t, p), "code", s.mails.Next(t, "jo@example.com").Code, "password", fresh)
	if p.location() != "/reset/done" {
		t.Fatalf("got %d to %q", p.status, p.location())
	}
	if v.signedIn() {
		t.Error("a reset signs in")
	}
	if p := v.signIn("jo", fresh); p.leads() != "/" {
		t.Errorf("the owner: got %d", p.status)
	}
	if n := guess(); n != http.StatusTooManyRequests {
		t.Errorf("a stranger: got %d", n)
	}
}
