package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const renewed = "purple walrus umbrella"

// expires has an administrator require a new password of the user.
func (s *site) expires(u storage.User) {
	s.t.Helper()
	cred, err := s.store.Credential(s.t.Context(), u.TenantID, u.ID, storage.PasswordCredential, "")
	if err != nil {
		s.t.Fatal(err)
	}
	was := cred.Data
	cred.ExpiresAt = time.Now().Add(-time.Second)
	s.change(u, storage.Change{Swap: []storage.CredentialSwap{{Credential: cred, Was: was}}})
}

// TestAnExpiredPasswordIsChangedFirst: until then there is no session, and the old password is refused as new one.
func TestAnExpiredPasswordIsChangedFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	u := s.user("default", "jo@example.com", "", right)
	s.expires(u)
	v := s.visitor()
	v.leads(v.get("/new-password"), "/login")
	v.leads(v.signIn("jo@example.com", right), "/new-password")
	if p := v.get("/account"); p.location() != "/login?next=%2Faccount" && p.status == http.StatusOK {
		t.Errorf("there is a session: got %d to %q", p.status, p.location())
	}
	page := v.get("/new-password")
	for _, want := range []string{english["expired.lead"], `value="jo@example.com"`, `autocomplete="new-password"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, refused := range []string{"", "short", right} {
		v.get("/new-password")
		if p := v.post("/new-password", "password", refused); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%q: got %d to %q, want 422", refused, p.status, p.location())
		}
	}
	v.get("/new-password")
	v.leads(v.post("/new-password", "password", renewed), "/")
	v.signedInAs("jo@example.com")
	v.leads(s.visitor().signIn("jo@example.com", renewed), "/")
	changed := func(e storage.Event) bool { return e.Kind == storage.EventPasswordChanged && e.UserID == u.ID }
	if !slices.ContainsFunc(s.events("default"), changed) {
		t.Error("the change was not recorded")
	}
}

// TestTheSecondFactorComesBeforeTheNewPassword: a stranger who knows the password alone cannot replace it.
func TestTheSecondFactorComesBeforeTheNewPassword(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	mo := s.enrolled("mo@example.com")
	s.expires(mo.user)
	v := s.visitor()
	v.leads(v.signIn("mo@example.com", right), "/second-factor")
	v.leads(v.get("/new-password"), "/second-factor")
	v.get("/second-factor")
	v.leads(v.post("/new-password", "password", renewed), "/second-factor")
	v.get("/second-factor")
	v.leads(v.post("/second-factor", "code", mo.shows()), "/new-password")
	v.get("/new-password")
	v.leads(v.post("/new-password", "password", renewed), "/")
	sess := s.sessionsOf(mo.user)[0]
	if sess.ACR != storage.ACRMultiFactor {
		t.Errorf("got %+v, want the second factor to count", sess)
	}
}

// TestAnAppIsAskedForANewPassword: the same through the JSON API, in two calls or with a second factor.
func TestAnAppIsAskedForANewPassword(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	a.expires(a.user(storage.DefaultTenant, "jo@example.com", "", right))
	who := fields{"login": "jo@example.com", "password": right}
	got := a.is(a.post("/auth/sign-in", who), http.StatusForbidden, "password_expired")
	if got.str("access_token") != "" {
		t.Errorf("got %s", got.raw)
	}
	wrong := a.is(a.post("/auth/sign-in", fields{"auth_session": got.str("auth_session"), "new_password": right}),
		http.StatusUnprocessableEntity, "invalid_fields")
	if !strings.HasPrefix(wrong.faults(), "new_password=") {
		t.Errorf("got %s", wrong.raw)
	}
	in := a.post("/auth/sign-in", fields{"auth_session": got.str("auth_session"), "new_password": renewed})
	if in.status != http.StatusOK || in.str("access_token") == "" {
		t.Fatalf("got %d %s", in.status, in.raw)
	}
	a.is(a.post("/auth/sign-in", fields{"auth_session": got.str("auth_session"), "new_password": renewed + " 2"}),
		http.StatusBadRequest, "invalid_session")
	a.is(a.post("/auth/sign-in", who), http.StatusUnprocessableEntity, "wrong_credentials")

	mo := a.enrolled("mo@example.com")
	a.expires(mo.user)
	all := fields{"login": "mo@example.com", "password": right, "otp": mo.shows(), "new_password": renewed}
	if in := a.post("/auth/sign-in", all); in.status != http.StatusOK || in.str("access_token") == "" {
		t.Errorf("all at once: got %d %s", in.status, in.raw)
	}
}
