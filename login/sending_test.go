package login

import (
	"fmt"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// texted adds a user of a tenant with a confirmed number.
func (s *site) texted(tenant, name, number string) {
	s.t.Helper()
	u := s.user(tenant, name+"@example.com", name, right)
	u.Phone, u.PhoneVerified = number, true
	must(s.t, storagetest.UpdateUser(s.t.Context(), s.store, u))
}

// TestATenantsTextsAreItsOwn: strangers who use up a tenant's text messages leave the other
// tenants theirs, and those who are known the rest.
func TestATenantsTextsAreItsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	must(t, s.store.AddTenant(t.Context(), storage.Tenant{ID: "acme", Name: "Acme"}))
	few := 10
	settings := storage.TenantSettings{
		SignIn: storage.SignInSettings{Methods: []string{storage.MethodPassword, storage.MethodPhone}},
		Limits: storage.LimitSettings{TextsPerHour: &few},
	}
	s.settle("default", settings)
	s.settle("acme", settings)
	for i := range 10 {
		s.texted("default", fmt.Sprint("p", i), fmt.Sprintf("+49170123450%d", i))
	}
	s.texted("acme", "jo", mobile)
	home := s.visitor()
	home.signIn("p9", right)
	ask := func(v *visitor, name string) string {
		v.get("/login/code")
		return v.post("/login/code", "login", name, "by", "phone").outcome()
	}
	for i := range 20 { // without an account: no message goes out, so that none is used up
		if got := ask(s.visitor(), fmt.Sprint("nobody", i)); got != "/login/code/confirm" {
			t.Fatalf("the code of no user: got %s", got)
		}
	}
	sent := 0
	for i := range 9 {
		if ask(s.visitor(), fmt.Sprint("p", i)) == "/login/code/confirm" {
			sent++
		}
	}
	if sent != 8 {
		t.Errorf("strangers had %d messages sent, want 8 of 10", sent)
	}
	if got := ask(s.visitor(), "nobody"); got != "429" {
		t.Errorf("the code of no user, now: got %s: it differs from a user's", got)
	}
	if got := ask(home, "p9"); got != "/login/code/confirm" {
		t.Errorf("a known browser: got %s", got)
	}
	acme := s.visitor()
	acme.base = "/t/acme"
	if got := ask(acme, "jo"); got != "/t/acme/login/code/confirm" {
		t.Errorf("another tenant: got %s", got)
	}
	s.texts.next(t, mobile)
	s.texts.next(t, "+491701234509")
}

// TestMailboxesHaveFewMailsUnderWhicheverNames: I10. Names of one mailbox share its mails,
// and nothing that is shown tells that they are one.
func TestMailboxesHaveFewMailsUnderWhicheverNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) {
		free(c)
		c.PerTarget = limit.Rule{Max: 2, Window: time.Hour}
	})
	s.verified("jo@example.com", "jo", right)
	for i, name := range []string{"jo", "jo@example.com", "JO@EXAMPLE.com", "jo"} {
		if p := s.visitor().forgot(name); p.outcome() != "/reset" {
			t.Errorf("request %d: got %d", i+1, p.status)
		}
	}
	for i := range 3 {
		want := "/signup/confirm"
		if i == 2 {
			want = "429"
		}
		if p := s.visitor().signUp(fmt.Sprintf("mo+%d@example.com", i)); p.outcome() != want {
			t.Errorf("tag %d: got %s, want %s", i, p.outcome(), want)
		}
	}
	s.mails.Next(t, "jo@example.com")
	s.mails.Next(t, "jo@example.com")
	s.mails.Next(t, "mo+0@example.com")
	s.mails.Next(t, "mo+1@example.com")
	last := s.visitor()
	last.signUp("last@example.com")
	s.mails.Next(t, "last@example.com")
	if more := s.mails.Waiting(); len(more) != 0 {
		t.Errorf("%d mails more: %+v", len(more), more)
	}
}

// TestAStrangersRequestsVoidNoCode: I9, of each kind that strangers can ask for.
func TestAStrangersRequestsVoidNoCode(t *testing.T) {
	t.Parallel()
	s := byMail(t, free)
	s.verified("jo@example.com", "jo", right)
	v, stranger := s.visitor(), s.visitor()
	signUp := flow(t, v.signUp("new@example.com"))
	signUpCode := s.mails.Next(t, "new@example.com").Code
	reset := flow(t, v.forgot("jo"))
	resetCode := s.mails.Next(t, "jo@example.com").Code
	signIn := flow(t, v.askCode("jo"))
	signInCode := s.mails.Next(t, "jo@example.com").Code
	for range 3 {
		stranger.signUp("new@example.com")
		stranger.forgot("jo")
		stranger.askCode("jo")
	}
	if p := v.post("/login/code/confirm", "flow", signIn, "code", signInCode); p.leads() != "/" {
		t.Errorf("a code to sign in with: got %d to %q", p.status, p.location())
	}
	if p := v.post("/reset", "flow", reset, "code", resetCode, "password", fresh); p.location() != "/reset/done" {
		t.Errorf("a code for a new password: got %d to %q, %s", p.status, p.location(), alertOf(p))
	}
	if p := v.post("/signup/confirm", "flow", signUp, "code", signUpCode); p.leads() != "/" {
		t.Errorf("a code for an account: got %d to %q", p.status, p.location())
	}
}
