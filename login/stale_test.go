package login

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// came signs in who has an account here, by a provider, in a new browser.
func (f *federatedSite) came(kind string, who fakeidp.Person) (*visitor, storage.User) {
	f.t.Helper()
	v := f.visitor()
	v.goes(v.come(kind, "", who), "/")
	u, err := f.store.UserByEmail(f.t.Context(), storage.DefaultTenant, who.Email)
	if err != nil {
		f.t.Fatal(err)
	}
	return v, u
}

// authTime is when the user of the one session has proven themselves.
func (f *federatedSite) authTime(u storage.User) time.Time {
	f.t.Helper()
	all := f.sessionsOf(u)
	if len(all) == 0 {
		f.t.Fatal("no session")
	}
	return all[0].AuthTime
}

// A trip to a provider is a fresh proof when its ID token says so, and only then: what it was
// asked for has gone through the hands of the user at the browser.
func TestATripIsAFreshProofWhenTheProviderSaysSo(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.OpenID, fakeidp.Google, fakeidp.Microsoft, fakeidp.GitHub, fakeidp.Discord)
	for i, c := range []struct {
		kind, fault string
		fresh       bool
	}{
		{fakeidp.OpenID, "", true}, {fakeidp.OpenID, "no-auth-time", false}, {fakeidp.OpenID, "auth-time", false},
		{fakeidp.Google, "", true}, {fakeidp.Google, "no-auth-time", false}, {fakeidp.Google, "auth-time", false},
		{fakeidp.Microsoft, "no-auth-time", false}, {fakeidp.Microsoft, "auth-time", false},
		{fakeidp.GitHub, "", false}, {fakeidp.Discord, "", false},
	} {
		who := fedJo
		who.Subject, who.Email = strconv.Itoa(100+i), c.kind+c.fault+"@example.com"
		u := f.verified(f.user(storage.DefaultTenant, who.Email, "", right))
		v := f.signedIn(who.Email)
		v.goes(v.visit(v.add(c.kind, who)), "/account/identities")
		f.age(u, 10*time.Minute)
		who.Fault = c.fault
		refused := c.fault == "auth-time" && (c.kind == fakeidp.OpenID || c.kind == fakeidp.Microsoft) // who ask in any case
		at := v.come(c.kind, "next=/account/email", who)
		if refused {
			v.goes(at, "/login")
		} else {
			v.goes(at, "/account/email")
		}
		at = v.get("/account/email")
		if c.fresh {
			if at.status != http.StatusOK {
				t.Errorf("%s: got %d to %q, want it to be a fresh proof", c.kind, at.status, at.location())
			}
			continue
		}
		v.goes(at, "/login")
		page := v.get(at.location()).body
		says := strings.Contains(page, "didn’t confirm that you just signed in there")
		offered := strings.Contains(page, `href="/upstream/`+c.kind+`?`)
		if says == refused || offered != refused {
			t.Errorf("%s, %s: says %v, offered %v: %s", c.kind, c.fault, says, offered, page)
		}
		v.goes(v.post("/login", "next", "/account/email", "confirm", "1", "login", who.Email, "password", right),
			"/account/email")
		if page := v.get("/account/email"); page.status != http.StatusOK {
			t.Errorf("%s: got %d to %q after a password", c.kind, page.status, page.location())
		}
	}
}

// A stale trip does not take away what was proven here since, and one that begins a session
// counts as of when the user was proven there.
func TestTheTimeOfAProofElsewhere(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.GitHub)
	u := f.verified(f.user(storage.DefaultTenant, fedJo.Email, "", right))
	for _, kind := range []string{fakeidp.Google, fakeidp.GitHub} {
		if err := storagetest.AddIdentity(t.Context(), f.store,
			storage.Identity{TenantID: u.TenantID, Provider: kind, Subject: fedJo.Subject, UserID: u.ID,
				CreatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	who := fedJo
	who.Fault = "auth-time"
	v := f.visitor()
	v.goes(v.come(fakeidp.Google, "", who), "/")
	if age := time.Since(f.authTime(u)); age < 23*time.Hour {
		t.Errorf("proven %s ago, want a day", age)
	}
	v.signIn(fedJo.Email, right)
	v.goes(v.come(fakeidp.Google, "", who), "/")
	v.goes(v.come(fakeidp.GitHub, "", fedJo), "/")
	if age := time.Since(f.authTime(u)); age > people.Freshness {
		t.Errorf("proven %s ago, want just now", age)
	}
	v.get("/logout")
	w := f.visitor()
	w.goes(w.come(fakeidp.GitHub, "", fedJo), "/")
	w.goes(w.get("/account/email"), "/login")
}

// Users who have nothing but accounts at providers prove themselves anew by a code to their
// address, although users do not sign in by such codes here; no other user can ask for one.
func TestPeopleOfProvidersConfirmByMail(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.GitHub)
	v, u := f.came(fakeidp.GitHub, fedJo) // a new account
	if page := v.get("/account/email"); page.status != http.StatusOK {
		t.Fatalf("got %d to %q: a new account has just been proven", page.status, page.location())
	}
	f.age(u, 10*time.Minute)
	at := v.get("/account/email")
	v.goes(at, "/login")
	if page := v.get(at.location()); !strings.Contains(page.body, `formaction="/login/code"`) {
		t.Fatalf("no code is offered: %s", page.body)
	}
	at = v.post("/login/code", "next", "/account/email", "login", fedJo.Email, "by", "email")
	v.goes(at, "/login/code/confirm")
	m := f.mails.Next(t, fedJo.Email)
	stranger := f.visitor()
	stranger.get("/login")
	if p := stranger.post("/login/code", "login", fedJo.Email, "by", "email"); p.status != http.StatusNotFound {
		t.Errorf("a stranger asks for a code: got %d to %q", p.status, p.location())
	}
	flow := mustURL(t, at.location()).Query().Get("flow")
	if p := stranger.post("/login/code/confirm", "flow", flow, "code", m.Code); p.leads() != "" {
		t.Errorf("a stranger's browser: got %d to %q", p.status, p.location())
	}
	at = v.post("/login/code/confirm", "flow", flow, "resend", "1", "next", "/account/email")
	v.goes(at, "/login/code/confirm")
	flow, m = mustURL(t, at.location()).Query().Get("flow"), f.mails.Next(t, fedJo.Email)
	v.goes(v.post("/login/code/confirm", "flow", flow, "code", m.Code, "next", "/account/email"), "/account/email")
	if page := v.get("/account/email"); page.status != http.StatusOK {
		t.Errorf("got %d to %q", page.status, page.location())
	}
	// Who has a password confirms by it.
	f.user(storage.DefaultTenant, "kim@example.com", "", right)
	w := f.signedIn("kim@example.com")
	if p := w.post("/login/code", "login", "kim@example.com", "by", "email"); p.status != http.StatusNotFound {
		t.Errorf("got %d to %q", p.status, p.location())
	}
}
