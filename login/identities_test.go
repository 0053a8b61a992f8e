package login

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// add begins a link from the account page; the answer's address is where the provider
// sends the browser back to.
func (v *visitor) add(kind string, who fakeidp.Person) (to string) {
	v.t.Helper()
	page := v.at("/account/identities")
	a := v.post("/account/identities", "session", field(v.t, page.body, "session"), "add", kind)
	if !strings.HasPrefix(a.leads(), "http") {
		v.t.Fatalf("to %s: got %d %s %s", kind, a.status, a.location(), a.body)
	}
	to, _, err := fakeidp.Visit(http.DefaultClient, a.location(), who, false)
	if err != nil {
		v.t.Fatal(err)
	}
	return to
}

func (v *visitor) remove(kind, subject string) answer {
	v.t.Helper()
	page := v.at("/account/identities")
	return v.post("/account/identities", "session", field(v.t, page.body, "session"), "provider", kind, "subject", subject)
}

// G12: what is linked is shown, works, is told, can be taken off, and is one user's.
func TestLinkedAccounts(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.Facebook)
	f.user(storage.DefaultTenant, "local@example.com", "", right)
	v := f.signedIn("local@example.com")
	v.goes(v.visit(v.add(fakeidp.Google, fedJo)), "/account/identities")
	page := v.get("/account/identities?done=linked")
	for _, want := range []string{"Google", fedJo.Email, "You can now sign in with it"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("%q is not shown: %s", want, page.body)
		}
	}
	if m := f.mails.Next(t, "local@example.com"); !strings.Contains(m.Text, "Google was added") {
		t.Errorf("told %q", m.Text)
	}
	with := f.visitor()
	with.goes(with.come(fakeidp.Google, "", fedJo), "/")
	with.signedInAs("local@example.com")
	badge := "Continue with Google</span><span class=\"badge\">" + english["signin.last_used"]
	if page := with.get("/login?other=1"); strings.Count(page.body, badge) != 1 ||
		strings.Count(page.body, english["signin.last_used"]) != 1 {
		t.Errorf("the provider of the last sign-in is not marked: %s", page.body)
	}
	if page := f.visitor().get("/login"); strings.Contains(page.body, english["signin.last_used"]) {
		t.Error("a provider is marked in a browser in which no user signed in")
	}

	f.user(storage.DefaultTenant, "other@example.com", "", right)
	other := f.signedIn("other@example.com")
	if a := other.visit(other.add(fakeidp.Google, fedJo)); a.status != http.StatusConflict {
		t.Errorf("linked to two: got %d %s", a.status, a.location())
	}
	v.goes(v.visit(v.add(fakeidp.Google, fedJo)), "/account/identities") // again: it is so already
	if a := other.remove(fakeidp.Google, fedJo.Subject); a.status != http.StatusNotFound {
		t.Errorf("another person's: got %d", a.status)
	}
	v.goes(v.remove(fakeidp.Google, fedJo.Subject), "/account/identities")
	if m := f.mails.Next(t, "local@example.com"); !strings.Contains(m.Text, "Google was removed") {
		t.Errorf("told %q", m.Text)
	}
	if ids := f.identities(storage.DefaultTenant, "local@example.com"); len(ids) != 0 {
		t.Errorf("got %v", ids)
	}
	kinds := []string{}
	for _, e := range f.events(storage.DefaultTenant) {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Contains(kinds, "identity.linked") || !slices.Contains(kinds, "identity.unlinked") {
		t.Errorf("on record: %v", kinds)
	}
	// A trip that fails comes back here.
	bad := fedJo
	bad.Fault = "signature"
	a := v.visit(v.add(fakeidp.Google, bad))
	v.goes(a, "/account/identities")
	if page := v.visit(a.location()); !strings.Contains(page.body, "couldn’t verify the response") {
		t.Errorf("got %s", page.body)
	}
}

// G11: an identity is linked to the user who began, in that user's session, after a fresh proof.
func TestLinksOfOthers(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	f.user(storage.DefaultTenant, "victim@example.com", "", right)
	f.user(storage.DefaultTenant, "attacker@example.com", "", right)
	mallory := fakeidp.Person{Subject: "666", Name: "Mallory", Email: "mallory@example.com", Verified: "true"}
	attacker, victim := f.signedIn("attacker@example.com"), f.signedIn("victim@example.com")
	if a := victim.visit(attacker.add(fakeidp.Google, mallory)); a.status != http.StatusBadRequest {
		t.Errorf("an answer of the attacker's: got %d %s", a.status, a.location())
	}
	// Nor is what began in a session that has ended, or became another's.
	to := victim.add(fakeidp.Google, mallory)
	victim.signIn("attacker@example.com", right)
	if a := victim.visit(to); a.status != http.StatusBadRequest {
		t.Errorf("in another account: got %d %s", a.status, a.location())
	}
	for _, email := range []string{"victim@example.com", "attacker@example.com"} {
		if ids := f.identities(storage.DefaultTenant, email); len(ids) != 0 {
			t.Errorf("%s: got %v", email, ids)
		}
	}
	// The form of another site, and a proof of long ago.
	u := f.user(storage.DefaultTenant, "third@example.com", "", right)
	third := f.signedIn("third@example.com")
	page := third.at("/account/identities")
	req := third.request("/account/identities", "session", field(t, page.body, "session"), "add", "google")
	req.Header.Set("Origin", "https://evil.example")
	if a := third.do(req); a.status != http.StatusForbidden {
		t.Errorf("from another site: got %d", a.status)
	}
	f.age(u, 10*time.Minute)
	a := third.post("/account/identities", "session", field(t, page.body, "session"), "add", "google")
	third.goes(a, "/login")
	// H12: a provider that says that the proof is an old one gives none.
	if err := storagetest.AddIdentity(t.Context(), f.store,
		storage.Identity{TenantID: u.TenantID, Provider: "google", Subject: "1", UserID: u.ID,
			CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	third.goes(third.come(fakeidp.Google, "next=/account/identities", fakeidp.Person{Subject: "1", Fault: "auth-time"}),
		"/account/identities")
	page = third.at("/account/identities")
	third.goes(third.post("/account/identities", "session", field(t, page.body, "session"), "provider", "google",
		"subject", "1"), "/login")
	third.goes(third.come(fakeidp.Google, "next=/account/identities", fakeidp.Person{Subject: "1"}), "/account/identities")
	page = third.at("/account/identities")
	f.age(u, 10*time.Minute)
	third.goes(third.post("/account/identities", "session", field(t, page.body, "session"), "provider", "google",
		"subject", "1"), "/login")
	if ids := f.identities(storage.DefaultTenant, "third@example.com"); len(ids) != 1 {
		t.Errorf("removed with a proof of long ago: %v", ids)
	}
}

// G12: the last way in cannot be removed, not even by two who take away at once what the
// other leaves.
func TestTheLastLinkedAccountStays(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.OpenID)
	v := f.visitor()
	v.come(fakeidp.Google, "", fedJo)
	if a := v.remove(fakeidp.Google, fedJo.Subject); a.status != http.StatusConflict ||
		!strings.Contains(a.body, english.Must("identity.last")) {
		t.Errorf("the only one: got %d %s", a.status, a.body)
	}
	for range 5 {
		v.goes(v.visit(v.add(fakeidp.OpenID, fedJo)), "/account/identities")
		page := v.at("/account/identities")
		session := field(t, page.body, "session")
		var wg sync.WaitGroup
		for _, kind := range []string{fakeidp.Google, fakeidp.OpenID} {
			wg.Go(func() {
				resp, err := v.client.Do(v.request("/account/identities", "session", session, "provider", kind,
					"subject", fedJo.Subject))
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			})
		}
		wg.Wait()
		if p := v.get("/account/identities"); p.status != http.StatusConflict { // one of them was refused, and says so
			t.Errorf("after the two: got %d", p.status)
		}
		ids := f.identities(storage.DefaultTenant, fedJo.Email)
		if len(ids) != 1 {
			t.Fatalf("left are %v, want one", ids)
		}
		if ids[0].Provider == fakeidp.OpenID { // begin anew
			v.goes(v.visit(v.add(fakeidp.Google, fedJo)), "/account/identities")
			v.goes(v.remove(fakeidp.OpenID, fedJo.Subject), "/account/identities")
		}
	}
	// A provider that the tenant does not offer any more is no way in.
	u, err := f.store.UserByEmail(t.Context(), storage.DefaultTenant, fedJo.Email)
	if err != nil {
		t.Fatal(err)
	}
	if err := storagetest.AddIdentity(t.Context(), f.store,
		storage.Identity{TenantID: u.TenantID, Provider: "gone", Subject: "1", UserID: u.ID,
			CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if a := v.remove(fakeidp.Google, fedJo.Subject); a.status != http.StatusConflict {
		t.Errorf("with one that is not offered: got %d", a.status)
	}
}
