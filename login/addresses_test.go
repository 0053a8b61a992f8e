package login

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// alike are pairs of addresses that readers who fold before they look at the domain take for
// one. The first is an attacker's to send mail to, the second is the victim's.
var alike = []struct{ typed, mailed, like string }{
	{"boss@faß.example", "boss@xn--fa-hia.example", "boss@fass.example"},
	{"boss@FAẞ.example", "boss@xn--fa-hia.example", "boss@fass.example"},
	{"boss@σας.example", "boss@xn--mxa8ab.example", "boss@σασ.example"},
}

// A1: faß.example and fass.example are two domains to every mail server, so that a mail to the
// one proves nothing about the other, whichever door an address comes in by.
func TestDomainsThatFoldToOneAreTwo(t *testing.T) {
	t.Parallel()
	for _, pair := range alike {
		s := newSite(t, free)
		victim := s.verified(pair.like, "", right)
		v := s.visitor()
		p := v.signUp(pair.typed)
		m := s.mails.Next(t, pair.mailed)
		v.goes(v.post("/signup/confirm", "flow", flow(t, p), "code", m.Code), "/")
		made := s.byEmail(pair.mailed)
		if made.Email != pair.mailed || made.ID == victim.ID {
			t.Errorf("%s made %+v", pair.typed, made)
		}
		if p := s.visitor().signIn(pair.typed, right); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s with the password of %s: got %d to %q", pair.typed, pair.like, p.status, p.location())
		}
		s.visitor().forgot(pair.typed)
		s.mails.Next(t, pair.mailed)

		other := s.signedInWith(pair.like)
		other.at("/account/email")
		if p := other.post("/account/email", "email", pair.typed); p.outcome() != "/account/email/confirm" {
			t.Errorf("a change to %s: got %d, %s", pair.typed, p.status, alertOf(p))
		}
		if m := s.mails.Next(t, pair.mailed); m.Code != "" {
			t.Errorf("the owner of %s was sent a code, not told", pair.typed)
		}
		for _, m := range s.mails.Waiting() {
			t.Errorf("a mail went to %s", m.To)
		}
	}
}

// A1: and so are rules about domains.
func TestRulesTellDomainsThatFoldToOne(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.settle("default", storage.TenantSettings{SignUp: storage.SignUpSettings{EmailDomains: []string{"fass.example"}}})
	for email, ok := range map[string]bool{"a@fass.example": true, "a@FASS.example": true, "a@faß.example": false,
		"a@FAẞ.example": false, "a@xn--fa-hia.example": false} {
		if p := s.visitor().signUp(email); (p.leads() != "") != ok {
			t.Errorf("%s: got %d to %q, %s", email, p.status, p.location(), alertOf(p))
		}
	}
	f := federate(t, func(s *storage.TenantSettings) {
		s.Upstreams[0].AuthoritativeDomains = []string{"fass.example"}
		s.Upstreams[1].AuthoritativeDomains = []string{"fass.example"}
		s.Upstreams[1].Domains = []string{"fass.example"}
	}, fakeidp.OpenID, fakeidp.Google)
	f.verified(f.user(storage.DefaultTenant, "boss@fass.example", "", right))
	f.verified(f.user(storage.DefaultTenant, "boss@faß.example", "", right))
	for i, email := range []string{"boss@faß.example", "boss@xn--fa-hia.example"} {
		v := f.visitor()
		v.goes(v.come(fakeidp.OpenID, "",
			fakeidp.Person{Subject: fmt.Sprint(i), Name: "Boss", Email: email, Verified: "true"}), "/federated/link")
		v.signedInAs("")
		// What a provider hosts is a domain, too.
		a := v.come(fakeidp.Google, "",
			fakeidp.Person{Subject: fmt.Sprint(i), Name: "Boss", Email: email, Verified: "true", Hosted: "faß.example"})
		if a.status != http.StatusForbidden {
			t.Errorf("%s, from where only fass.example may come: got %d to %q", email, a.status, a.location())
		}
	}
}

// routed are local parts that a mail server may send elsewhere, or decode into another address.
var routed = []string{"attacker%evil.example", "evil.example!attacker", "=?utf-8?q?attacker=40evil.example=3e=00?=",
	"SRS0=HHH=TT=evil.example=attacker", "IMCEASMTP-attacker+40evil+2Eexample", "attacker_evil.example#EXT#"}

// A2: a tenant whose users are all of company.example must not get one of evil.example, by way
// of a mail server that takes apart what is before the @.
func TestAddressesThatMailServersRouteAreRefused(t *testing.T) {
	t.Parallel()
	f := federate(t, func(s *storage.TenantSettings) {
		s.SignUp.EmailDomains = []string{"company.example"}
		s.Upstreams[0].AuthoritativeDomains = []string{"company.example"}
	}, fakeidp.OpenID)
	f.user(storage.DefaultTenant, "jo@company.example", "", right)
	jo := f.signedInWith("jo@company.example")
	for i, local := range routed {
		email := local + "@company.example"
		refused := func(door string, p answer) {
			t.Helper()
			if p.status != http.StatusUnprocessableEntity || !strings.Contains(alertOf(p), "Before the @") {
				t.Errorf("%s, %s: got %d to %q, %q", email, door, p.status, p.location(), alertOf(p))
			}
		}
		refused("sign-up", f.visitor().signUp(email))
		jo.at("/account/email")
		refused("change", jo.post("/account/email", "email", email))
		v := f.visitor()
		// A provider's word does not make it one, nor a user's after it.
		v.goes(v.come(fakeidp.OpenID, "", fakeidp.Person{Subject: fmt.Sprint(i), Name: "Jo", Email: email, Verified: "true"}),
			"/federated/email")
		v.get("/federated/email")
		refused("stranger", v.post("/federated/email", "email", email))
		r := f.asked(storage.TenantSettings{})
		if _, err := f.login.ProvePassword(r.Context(), f.login.askerOf(r), email, fresh); !errors.Is(err,
			people.ErrWrongPassword) {
			t.Errorf("%s cannot be looked for: %v", email, err)
		}
	}
	for _, m := range f.mails.Waiting() {
		t.Errorf("a mail went to %s", m.To)
	}
}

// A code that an earlier release made is no proof where the address is read differently now.
func TestACodeProvesTheAddressItWasSentTo(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	r := s.asked(storage.TenantSettings{})
	for _, old := range []struct{ email, key string }{{"boss@faß.example", "boss@fass.example"},
		{"x%evil.example@company.example", "x%evil.example@company.example"}} {
		code := s.newCode(storage.CodeInvite, old.key, "", map[string]string{"Email": old.email}, time.Hour)
		must(t, storagetest.PutCode(t.Context(), s.store, code.Code))
		if _, err := s.login.invitations.Accept(r.Context(), s.login.askerOf(r), code.Token,
			people.SignUp{Password: fresh}); !errors.Is(err, invitations.ErrGone) {
			t.Errorf("a code for %s makes an account of %s: %v", old.key, old.email, err)
		}
		jo := s.user("default", fmt.Sprintf("jo%d@example.com", len(old.key)), "", right)
		change := s.newCode(storage.CodeEmail, jo.ID, jo.ID,
			map[string]string{"email": old.email, "key": old.key, "from": jo.EmailKey}, time.Hour)
		s.change(jo, storage.Change{Codes: []storage.Code{change.Code}})
		if u, err := s.login.ConfirmEmailChange(r.Context(), s.login.askerOf(r), jo,
			people.Proof{Token: change.Token}); err == nil {
			t.Errorf("a code for %s makes the address %s", old.key, u.Email)
		}
	}
}

// byEmail finds a user by an address as it is stored.
func (s *site) byEmail(email string) storage.User {
	s.t.Helper()
	u, err := s.store.UserByEmail(s.t.Context(), "default", s.claimed(email).Key())
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// signedInWith is a browser of the user whose address it is, and whose password is right.
func (s *site) signedInWith(email string) *visitor {
	s.t.Helper()
	v := s.visitor()
	v.goes(v.signIn(email, right), "/")
	return v
}
