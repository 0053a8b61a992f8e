package login

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// byMail is a site where users sign in by a mailed code, too.
func byMail(t *testing.T, change func(*Config)) *site {
	t.Helper()
	s := newSite(t, change)
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodPassword,
		storage.MethodEmail}}})
	return s
}

// ask has a code sent; the answer is that of the form.
func (v *visitor) askCode(login string) answer {
	v.t.Helper()
	v.get("/login/code")
	return v.post("/login/code", "login", login, "by", "email")
}

func (v *visitor) signedIn() bool {
	v.t.Helper()
	return v.get("/account").status == http.StatusOK
}

func TestSigningInByAMailedCode(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"code", "link"} {
		s := byMail(t, nil)
		user := s.verified("jo@example.com", "jo", right)
		q := s.ask("", storage.Interaction{})
		v := s.visitor()
		v.get("/login?" + q)
		if p, _ := v.names("JO", "i", "letter-1"); !strings.Contains(p.body, `formaction="/login/code"`) {
			t.Fatal("the sign-in page does not offer it")
		}
		p := v.post("/login/code", "i", "letter-1", "login", "JO", "password", "", "by", "email")
		id := flow(t, p)
		if p := v.get(p.location()); strings.Contains(p.body, "jo@example.com") {
			t.Error("the address is told")
		}
		m := s.mails.Next(t, "jo@example.com")
		if by == "code" {
			if p := v.post("/login/code/confirm", "i", "letter-1", "flow", id, "code",
				"00000000"); p.status != http.StatusUnprocessableEntity || alertOf(p) != english.Must("confirm.wrong_left", 4) {
				t.Errorf("a wrong code: got %d, %q", p.status, alertOf(p))
			}
			p = v.post("/login/code/confirm", "i", "letter-1", "flow", id, "code", m.Code[:4]+" "+m.Code[4:])
		} else {
			for range 3 { // a scanner of mails
				if p := s.visitor().get(v.path(m)); p.status != http.StatusOK || !strings.Contains(p.body, "jo@example.com") {
					t.Fatalf("got %d, or a page that does not say whose account it is", p.status)
				}
			}
			v.get(v.path(m))
			p = v.post("/login/code/confirm", "token", tokenOf(m))
		}
		if p.leads() != "/authorize?"+q {
			t.Fatalf("%s: got %d to %q, want the client's request to go on: %s", by, p.status, p.location(), alertOf(p))
		}
		if !v.signedIn() {
			t.Errorf("%s: no user is signed in", by)
		}
		if e := s.events("default")[0]; e.Kind != "login.succeeded" || e.UserID != user.ID || e.Detail["amr"] != "otp" {
			t.Errorf("%s: got event %+v", by, e)
		}
		for _, fields := range [][]string{{"flow", id, "code", m.Code}, {"token", tokenOf(m)}} {
			if p := v.post("/login/code/confirm", fields...); p.status != http.StatusBadRequest {
				t.Errorf("%s, again: got %d", by, p.status)
			}
		}
		if got, err := s.store.User(t.Context(), "default", user.ID); err != nil ||
			got.CredentialVersion != user.CredentialVersion {
			t.Errorf("%s: got version %d, %v: a sign-in must end nothing", by, got.CredentialVersion, err)
		}
	}
}

// TestALinkSignsInElsewhere, and nothing of the browser where it began comes along.
func TestALinkSignsInElsewhere(t *testing.T) {
	t.Parallel()
	s := byMail(t, nil)
	s.verified("jo@example.com", "jo", right)
	s.ask("", storage.Interaction{})
	v, phone := s.visitor(), s.visitor()
	v.get("/login")
	id := flow(t, v.post("/login/code", "i", "letter-1", "login", "jo", "by", "email"))
	m := s.mails.Next(t, "jo@example.com")
	// What is typed counts only where it was asked for: else a stranger could have its
	// owner tell it.
	if p := phone.get("/login/code/confirm?flow=" + id); p.status != http.StatusBadRequest {
		t.Errorf("the flow in another browser: got %d", p.status)
	}
	if p := phone.post("/login/code/confirm", "flow", id, "code", m.Code); p.leads() != "" {
		t.Error("the code works in another browser")
	}
	phone.get(phone.path(m))
	if p := phone.post("/login/code/confirm", "token", tokenOf(m)); p.leads() != "/" {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	if !phone.signedIn() || v.signedIn() {
		t.Error("the wrong browser is signed in")
	}
}

// TestACodeSignsInOnce: I1, I2, I3.
func TestACodeSignsInOnce(t *testing.T) {
	t.Parallel()
	s := byMail(t, free)
	s.verified("jo@example.com", "", right)
	v := s.visitor()
	flow(t, v.askCode("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	second := flow(t, v.askCode("jo@example.com"))
	newer := s.mails.Next(t, "jo@example.com")
	if p := v.post("/login/code/confirm", "token", tokenOf(m)); p.status != http.StatusBadRequest {
		t.Errorf("an older link after a newer one: got %d", p.status)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	ok := 0
	for range 20 {
		o := s.visitor()
		o.get(o.path(newer))
		wg.Go(func() {
			p := o.post("/login/code/confirm", "token", tokenOf(newer))
			mu.Lock()
			defer mu.Unlock()
			if p.leads() != "" {
				ok++
			}
		})
	}
	wg.Wait()
	if ok != 1 {
		t.Errorf("one link signed in %d times", ok)
	}
	if p := v.post("/login/code/confirm", "flow", second, "code", newer.Code); p.leads() != "" {
		t.Error("the code works after its link did")
	}

	id := flow(t, v.askCode("jo@example.com"))
	m = s.mails.Next(t, "jo@example.com")
	for range mostTries {
		v.post("/login/code/confirm", "flow", id, "code", "12121212")
	}
	if p := v.post("/login/code/confirm", "flow", id, "code", m.Code); p.leads() != "" {
		t.Errorf("the right code works after %d wrong ones", mostTries)
	}
}

// TestCodesDoNotTellWhoHasAnAccount: H4, I5. Nothing differs but the mail.
func TestCodesDoNotTellWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	s := byMail(t, free)
	s.verified("jo@example.com", "jo", right)
	off := s.verified("off@example.com", "", right)
	off.Disabled = true
	must(t, storagetest.UpdateUser(t.Context(), s.store, off))
	s.user("default", "", "nomail", right)
	clean := func(a answer, login string) string {
		a.body = strings.ReplaceAll(a.body, login, "WHO")
		for _, m := range formField.FindAllString(a.body, -1) {
			a.body = strings.ReplaceAll(a.body, m, "")
		}
		return a.body
	}
	var want [3]string
	for i, login := range []string{"jo@example.com", "jo", "nobody@example.com", "nobody", "off@example.com",
		"nomail", "no name at all!"} {
		v := s.visitor()
		p := v.askCode(login)
		id := flow(t, p)
		page := v.get(p.location())
		wrong := v.post("/login/code/confirm", "flow", id, "code", "12121212")
		got := [3]string{p.header.Get("Content-Length"), strings.ReplaceAll(clean(page, login), id, ""),
			strings.ReplaceAll(clean(wrong, login), id, "")}
		if page.status != http.StatusOK || wrong.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d and %d", login, page.status, wrong.status)
		}
		if i == 0 {
			want = got
		}
		if got[1] != want[1] || got[2] != want[2] {
			t.Errorf("%s: another answer than for a user who is there", login)
		}
		again := v.post("/login/code/confirm", "flow", id, "resend", "1")
		flow(t, again)
	}
	for range 4 { // jo's: two codes, each sent twice
		s.mails.Next(t, "jo@example.com")
	}
	time.Sleep(100 * time.Millisecond)
	if more := s.mails.Waiting(); len(more) != 0 {
		t.Errorf("got %+v, want no mail to anybody else", more)
	}
}

// TestAMailedCodeTakesAnUnprovenAccountBack: G8–G10 for this way in.
func TestAMailedCodeTakesAnUnprovenAccountBack(t *testing.T) {
	t.Parallel()
	s := byMail(t, free)
	user, stranger := s.squat("jo@example.com")
	owner := s.visitor()
	flow(t, owner.askCode("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	owner.get(owner.path(m))
	if p := owner.post("/login/code/confirm", "token", tokenOf(m)); p.leads() != "/" {
		t.Fatalf("got %d: %s", p.status, alertOf(p))
	}
	s.void(user, stranger)
	if !owner.signedIn() {
		t.Error("the owner is not signed in")
	}
}

// TestCodesForSignInAreHeldToTheirAccount and its tenant's rules.
func TestCodesForSignInAreHeldToTheirAccount(t *testing.T) {
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
		"password changed": func(s *site, u storage.User) {
			must(s.t, s.store.Apply(s.t.Context(),
				storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: time.Now(), Raise: true}))
		},
		"not a method anymore": func(s *site, _ storage.User) { s.settle("default", storage.TenantSettings{}) },
	} {
		s := byMail(t, free)
		user := s.verified("jo@example.com", "", right)
		v := s.visitor()
		flow(t, v.askCode("jo@example.com"))
		m := s.mails.Next(t, "jo@example.com")
		v.get(v.path(m))
		change(s, user)
		if p := v.post("/login/code/confirm", "token", tokenOf(m)); p.leads() != "" {
			t.Errorf("%s: the link still signs in", name)
		}
		if v.signedIn() {
			t.Errorf("%s: somebody is signed in", name)
		}
	}
}

// TestCodesOfOtherPurposesDoNotSignIn: I8.
func TestCodesOfOtherPurposesDoNotSignIn(t *testing.T) {
	t.Parallel()
	s := byMail(t, free)
	s.verified("jo@example.com", "", right)
	v := s.visitor()
	reset := flow(t, v.forgot("jo@example.com"))
	m := s.mails.Next(t, "jo@example.com")
	for _, fields := range [][]string{{"flow", reset, "code", m.Code}, {"token", tokenOf(m)}} {
		if p := v.post("/login/code/confirm", fields...); p.status != http.StatusBadRequest {
			t.Errorf("a code for a new password: got %d", p.status)
		}
	}
	flow(t, v.askCode("jo@example.com"))
	m = s.mails.Next(t, "jo@example.com")
	if p := v.post("/reset", "token", tokenOf(m), "password", fresh); p.leads() != "" {
		t.Error("a code for signing in gives a new password")
	}
}

// TestOnlyMethodsOfTheTenantSignIn: what is switched off is off at the door, too.
func TestOnlyMethodsOfTheTenantSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.verified("jo@example.com", "jo", right)
	v := s.visitor()
	if p := v.get("/login"); strings.Contains(p.body, "/login/code") {
		t.Error("codes are offered unasked")
	}
	if p := v.get("/login/code"); p.status != http.StatusNotFound {
		t.Errorf("got %d, want no such page", p.status)
	}
	for _, by := range []string{"email", "phone", "", "x"} {
		if p := v.post("/login/code", "login", "jo", "by", by); p.status != http.StatusNotFound {
			t.Errorf("by %q: got %d", by, p.status)
		}
	}
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodEmail}}})
	if p := v.get("/login"); strings.Contains(p.body, `type="password"`) ||
		!strings.Contains(p.body, `class="primary" name="by" value="email"`) {
		t.Errorf("the sign-in page asks for passwords that nobody has: %s", p.body)
	}
	if p := v.post("/login", "login", "jo", "password", right); p.leads() != "" {
		t.Error("a password signs in where there are none")
	}
}

// TestStrangersKeepNoUserFromACode: H7 for codes. Strangers cannot use up what its owner may ask
// for, nor void their code.
func TestStrangersKeepNoUserFromACode(t *testing.T) {
	t.Parallel()
	s := byMail(t, func(c *Config) {
		free(c)
		c.PerTarget = limit.Rule{Max: 2, Window: time.Hour}
	})
	s.verified("jo@example.com", "jo", right)
	home := s.visitor()
	home.signIn("jo", right)
	id := flow(t, home.askCode("jo"))
	m := s.mails.Next(t, "jo@example.com")
	// by the name, and not by the account
	for i, want := range []string{"/login/code/confirm", "/login/code/confirm", "/login/code/confirm", "429",
		"/login/code/confirm", "429"} {
		p := s.visitor().askCode([]string{"jo", "jo@example.com", "JO", "Jo", "JO@example.com", "jo@example.com"}[i])
		if p.outcome() != want {
			t.Errorf("a stranger, %d: got %s, want %s", i+1, p.outcome(), want)
		}
	}
	if p := home.post("/login/code/confirm", "flow", id, "code", m.Code); p.leads() != "/" {
		t.Errorf("the owner's code: got %d, %q", p.status, alertOf(p))
	}
}

// TestACodeConfirmsThatItIsYou: the fresh proof that an account's page wants.
func TestACodeConfirmsThatItIsYou(t *testing.T) {
	t.Parallel()
	s := byMail(t, free)
	s.verified("jo@example.com", "jo", right)
	v := s.visitor()
	v.get("/login?next=/account/email")
	p := v.post("/login/code", "login", "jo", "by", "email", "next", "/account/email")
	id := flow(t, p)
	if p := v.get(p.location()); !strings.Contains(p.body, `name="next" value="/account/email"`) {
		t.Error("the page does not know where to go on")
	}
	m := s.mails.Next(t, "jo@example.com")
	if p := v.post("/login/code/confirm", "flow", id, "code", m.Code, "next",
		"/account/email"); p.location() != "/account/email" {
		t.Errorf("got to %q", p.location())
	}
}

// TestDigitsAreNoLink: digits count in the browser alone that asked for them, whatever else
// comes with them.
func TestDigitsAreNoLink(t *testing.T) {
	t.Parallel()
	s := byMail(t, nil)
	s.verified("jo@example.com", "jo", right)
	id := flow(t, s.visitor().askCode("jo@example.com"))
	code := s.mails.Next(t, "jo@example.com").Code
	for _, token := range []string{"", "x", id} {
		v := s.visitor()
		v.get("/login")
		v.post("/login/code/confirm", "flow", id, "code", code, "token", token)
		if v.signedIn() {
			t.Errorf("with the token %q another browser is signed in", token)
		}
	}
}
