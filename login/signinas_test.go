package login

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// administrator gives the user a role, and lets administrators of the default tenant sign in as users.
func (s *site) administrator(u storage.User, role string) {
	s.t.Helper()
	s.rules(func(settings *storage.TenantSettings) { settings.SignInAs.Enabled = true })
	ch := storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: time.Now(), SetAdmin: &role}
	if err := s.store.Apply(s.t.Context(), ch); err != nil {
		s.t.Fatal(err)
	}
}

// TestSigningInAsAUserNeedsAFreshProof with the second factor, if the administrator has one.
func TestSigningInAsAUserNeedsAFreshProof(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.user("default", "jo@example.com", "", right), s.enrolled("mo@example.com")
	s.user("default", "user@example.com", "", right)
	s.administrator(jo, storage.RoleSupport)
	s.administrator(mo.user, storage.RoleSupport)
	v := s.signedIn("jo@example.com")
	v.at("/account/sign-in-as")
	s.age(jo, people.Freshness+time.Second)
	const login = "/login?next=%2Faccount%2Fsign-in-as"
	if p := v.get("/account/sign-in-as"); p.leads() != login {
		t.Errorf("the page: got %d to %q", p.status, p.location())
	}
	if p := v.post("/account/sign-in-as", "user", "user@example.com", "reason", "x"); p.leads() != login {
		t.Errorf("the form: got %d to %q", p.status, p.location())
	}
	password := s.as(mo.user, "pwd")
	p := password.get("/account/sign-in-as")
	if !strings.HasPrefix(p.leads(), "/login") && !strings.HasPrefix(p.leads(), "/second-factor") {
		t.Errorf("without the second factor: got %d to %q", p.status, p.location())
	}
	if n := s.count(storage.EventActingBegan); n != 0 {
		t.Errorf("got %d sessions as a user", n)
	}
}

// TestUsersAreToldInTheirLanguageWhoSignedInAsThem: the mail gives the date in words, as the pages do.
func TestUsersAreToldInTheirLanguageWhoSignedInAsThem(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, user := s.user("default", "jo@example.com", "", right), s.verified("user@example.com", "user", right)
	s.administrator(jo, storage.RoleSupport)
	s.rules(func(settings *storage.TenantSettings) { settings.SignInAs.Notify = true })
	user.Profile.Locale = "de-AT"
	if err := storagetest.UpdateUser(t.Context(), s.store, user); err != nil {
		t.Fatal(err)
	}
	v := s.signedIn("jo@example.com")
	v.at("/account/sign-in-as")
	v.post("/account/sign-in-as", "user", "user@example.com", "reason", "Request 4711")
	m := s.mails.Next(t, "user@example.com")
	if until := regexp.MustCompile(`am \d{1,2}\. \pL+ \d{4}, \d\d:\d\d Uhr UTC`); !until.MatchString(m.Text) ||
		!strings.Contains(m.Text, "Request 4711") {
		t.Errorf("got %q", m.Text)
	}
}

// TestTheLastOwnerCannotDeleteTheAccount and is told why; any other can.
func TestTheLastOwnerCannotDeleteTheAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.user("default", "jo@example.com", "", right), s.user("default", "mo@example.com", "", right)
	s.administrator(jo, storage.RoleOwner)
	v := s.signedIn("jo@example.com")
	v.at("/account/delete")
	if p := v.post("/account/delete", "sure", "1"); p.status != http.StatusConflict ||
		!strings.Contains(p.body, english.Must("delete.last_owner")) {
		t.Errorf("got %d to %q: %s", p.status, p.location(), p.body)
	}
	s.administrator(mo, storage.RoleOwner)
	if p := v.post("/account/delete", "sure", "1"); p.location() != "/account/deleted" {
		t.Errorf("beside another owner: got %d to %q", p.status, p.location())
	}
}
