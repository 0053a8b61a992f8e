package login

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// prove enters the code that was mailed to the address.
func (v *visitor) prove(a answer, email string) answer {
	v.t.Helper()
	v.goes(a, v.base+"/federated/email")
	v.get("/federated/email")
	a = v.post("/federated/email", "email", email)
	v.goes(a, v.base+"/federated/confirm")
	flow := mustURL(v.t, a.location()).Query().Get("flow")
	v.visit(a.location())
	return v.post("/federated/confirm", "flow", flow, "code", v.mails.Next(v.t, email).Code)
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// G6: a user who comes with the address of an account has to sign in to that account, and is asked
// whether to link.
func TestAnAccountIsLinkedByItsOwnerAlone(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.Facebook)
	f.verified(f.user(storage.DefaultTenant, fedJo.Email, "", "correct horse"))
	for _, kind := range []string{fakeidp.Google, fakeidp.Facebook} {
		v := f.visitor()
		query := f.ask("", storage.Interaction{})
		a := v.come(kind, query, fedJo)
		if kind == fakeidp.Facebook { // which says of no address whose it is
			v.form = ""
			v.goes(a, "/federated/email")
			v.visit(a.location())
			i := mustURL(t, a.location()).Query().Get("i")
			a = v.post("/federated/email", "email", fedJo.Email, "i", i)
			v.goes(a, "/federated/confirm")
			flow := mustURL(t, a.location()).Query().Get("flow")
			a = v.post("/federated/confirm", "flow", flow, "code", f.mails.Next(t, fedJo.Email).Code, "i", i)
		}
		v.goes(a, "/federated/link")
		v.signedInAs("")
		before := len(f.identities(storage.DefaultTenant, fedJo.Email))
		page := v.visit(a.location())
		if !strings.Contains(page.body, "You already have an account") || !strings.Contains(page.body, fedJo.Email) {
			t.Errorf("%s: got %s", kind, page.body)
		}
		v.post("/federated/link", "answer", "link", "session", "x")
		if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != before {
			t.Fatalf("%s: linked without a proof: %v", kind, ids)
		}
		v.get("/login?" + query)
		i := mustURL(t, "?"+query).Query().Get("i")
		a = v.post("/login", "login", fedJo.Email, "password", "correct horse", "i", i)
		v.goes(a, "/federated/link")
		page = v.visit(a.location())
		session := field(t, page.body, "session")
		a = v.post("/federated/link", "answer", "link", "session", session, "i", i)
		v.goes(a, "/authorize")
		if n := f.mails.Next(t, fedJo.Email); !strings.Contains(n.Text, kind[1:]) {
			t.Errorf("%s: told %q", kind, n.Text)
		}
		if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != before+1 {
			t.Fatalf("%s: got %v", kind, ids)
		}
		again := f.visitor()
		again.goes(again.come(kind, "", fedJo), "/")
		again.signedInAs(fedJo.Email)
	}
}

func field(t testing.TB, body, name string) string {
	t.Helper()
	_, after, ok := strings.Cut(body, `name="`+name+`" value="`)
	if !ok {
		t.Fatalf("no field %s in %s", name, body)
	}
	value, _, _ := strings.Cut(after, `"`)
	return value
}

// G6: saying no links nothing, and neither does a session from before.
func TestLinkingNeedsAYesAndAFreshProof(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	f.verified(f.user(storage.DefaultTenant, fedJo.Email, "", "correct horse"))
	v := f.visitor()
	v.signIn(fedJo.Email, "correct horse")
	a := v.come(fakeidp.Google, "", fedJo)
	v.goes(a, "/federated/link")
	page := v.visit(a.location())
	if strings.Contains(page.body, `value="link"`) {
		t.Error("a session from before will do")
	}
	sess := strings.SplitN(v.cookie("session"), ".", 2)[0]
	v.goes(v.post("/federated/link", "answer", "link", "session", sess), "/federated/link")
	a = v.signIn(fedJo.Email, "correct horse")
	v.goes(a, "/federated/link")
	v.visit(a.location())
	v.goes(v.post("/federated/link", "answer", "no"), "/")
	if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != 0 {
		t.Errorf("linked: %v", ids)
	}
	v.goes(v.signIn(fedJo.Email, "correct horse"), "/") // and is not asked again
}

// G14: what waited for a link works once.
func TestAWaitingIdentityWorksOnce(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	u := f.verified(f.user(storage.DefaultTenant, fedJo.Email, "", "correct horse"))
	v := f.visitor()
	v.come(fakeidp.Google, "", fedJo)
	waits := &http.Cookie{Name: "vouchsafe-stranger", Value: v.cookie("stranger"), Path: "/"}
	link := func() answer {
		v.signIn(fedJo.Email, "correct horse")
		page := v.get("/federated/link")
		return v.post("/federated/link", "answer", "link", "session", field(t, page.body, "session"))
	}
	v.goes(link(), "/")
	linked := storage.Identity{TenantID: u.TenantID, Provider: fakeidp.Google, Subject: fedJo.Subject, UserID: u.ID}
	if err := storagetest.RemoveIdentity(t.Context(), f.store, linked); err != nil {
		t.Fatal(err)
	}
	v.plant(waits)
	if a := link(); a.status != http.StatusConflict {
		t.Errorf("a second time: got %d %s", a.status, a.location())
	}
	if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != 0 {
		t.Errorf("linked: %v", ids)
	}
	stranger := f.visitor()
	stranger.plant(waits)
	if a := stranger.get("/federated/link"); a.status != http.StatusBadRequest {
		t.Errorf("in another browser: got %d", a.status)
	}
}

// G5, H4: a user whose address the provider has not verified is linked to no account, and does not
// learn whether the address has one.
func TestUnverifiedAddressesTellNothing(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.OpenID, fakeidp.Facebook, fakeidp.GitHub)
	f.verified(f.user(storage.DefaultTenant, "known@example.com", "", "correct horse"))
	for _, c := range []struct{ kind, says string }{
		{fakeidp.OpenID, "false"}, {fakeidp.OpenID, ""}, {fakeidp.OpenID, "text"}, {fakeidp.Facebook, "true"},
		{fakeidp.GitHub, "false"},
	} {
		var answers []answer
		for _, email := range []string{"known@example.com", "other@example.com"} {
			v := f.visitor()
			a := v.come(c.kind, "", fakeidp.Person{Subject: email[:5] + c.says, Name: "Jo", Email: email, Verified: c.says})
			if c.kind == fakeidp.GitHub {
				a = v.come(c.kind, "", fakeidp.Person{Subject: fmt.Sprint(len(email) + int(email[0])), Name: "Jo", Email: email,
					Verified: c.says})
			}
			v.goes(a, "/federated/email")
			page := v.visit(a.location())
			sent := v.post("/federated/email", "email", email)
			v.goes(sent, "/federated/confirm")
			asked := v.visit(sent.location())
			for _, a := range []*answer{&page, &asked} {
				a.body = strings.ReplaceAll(strings.ReplaceAll(a.body, email, "EMAIL"), v.form, "FORM")
				a.body = strings.ReplaceAll(a.body, mustURL(t, sent.location()).Query().Get("flow"), "FLOW")
				answers = append(answers, *a)
			}
			m := f.mails.Next(t, email)
			if m.Code == "" || m.Link == "" {
				t.Errorf("%s: got mail %q", email, m.Text)
			}
			v.signedInAs("")
			f.forgiveSending()
		}
		for i := range 2 {
			known, other := answers[i], answers[i+2]
			if known.body != other.body || known.status != other.status {
				t.Errorf("%v: the pages differ:\n%s\n%s", c, known.body, other.body)
			}
		}
	}
	if ids := f.identities(storage.DefaultTenant, "known@example.com"); len(ids) != 0 {
		t.Errorf("linked: %v", ids)
	}
}

// forgiveSending forgets how many codes were sent.
func (f *federatedSite) forgiveSending() {
	f.t.Helper()
	by := []limit.By{{Rule: f.login.PerAsker, Subject: "127.0.0.1"}}
	for _, box := range []string{"known@example.com", "other@example.com"} {
		for _, what := range []string{"typed", "to"} {
			target := what + "\x00email\x00" + box
			by = append(by, limit.By{Rule: f.login.PerTarget, Subject: target + "\x00127.0.0.1"},
				limit.By{Rule: f.login.PerTarget.Times(3, "-all"), Subject: target})
		}
	}
	for i := range by {
		by[i].Quiet, by[i].OnSuccess = true, limit.Forgets
	}
	pass, _, _ := f.login.Limits.Admit(f.t.Context(), storage.DefaultTenant, "", by...)
	pass.Succeed(f.t.Context(), limit.By{Rule: limit.Rule{Name: "test", Max: 1 << 40, Window: time.Hour}})
}

// G7: what a stranger set up with an address that was never proven is void once a user proves the
// address, and not before.
func TestComingTakesBackWhatAStrangerSetUp(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google, fakeidp.OpenID)
	u := f.user(storage.DefaultTenant, fedJo.Email, "", "attacker's horse")
	attacker := f.visitor()
	attacker.signIn(fedJo.Email, "attacker's horse")
	attacker.signedInAs(fedJo.Email)
	// G9: an identity of the attacker's hangs on it.
	if err := storagetest.AddIdentity(t.Context(), f.store,
		storage.Identity{TenantID: u.TenantID, Provider: fakeidp.OpenID, Subject: "666", UserID: u.ID,
			CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	v := f.visitor()
	a := v.come(fakeidp.Google, "", fedJo)
	v.signedInAs("") // the address alone will not do: the account may be its owner's, unconfirmed
	v.goes(v.prove(a, fedJo.Email), "/")
	v.signedInAs(fedJo.Email)
	attacker.signedInAs("")
	if a := attacker.signIn(fedJo.Email, "attacker's horse"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("the attacker's password: got %d %s", a.status, a.location())
	}
	mallory := fakeidp.Person{Subject: "666", Name: "Mallory", Email: "mallory@example.com", Verified: "true"}
	attacker.goes(attacker.come(fakeidp.OpenID, "", mallory), "/")
	attacker.signedInAs(mallory.Email) // an account of their own
	ids := f.identities(storage.DefaultTenant, fedJo.Email)
	if len(ids) != 1 || ids[0].Provider != fakeidp.Google {
		t.Errorf("got %+v", ids)
	}
}

// Only where the tenant declares it does an address do: of that domain, said by that
// provider, and said to be verified.
func TestAuthoritativeProviders(t *testing.T) {
	t.Parallel()
	f := federate(t, func(s *storage.TenantSettings) {
		for i := range s.Upstreams {
			if s.Upstreams[i].Preset != fakeidp.GitHub {
				s.Upstreams[i].AuthoritativeDomains = []string{"corp.example"}
			}
		}
	}, fakeidp.OpenID, fakeidp.Google, fakeidp.GitHub)
	for i, c := range []struct {
		kind, email, says, hosted string
		linked                    bool
	}{
		{fakeidp.OpenID, "a@corp.example", "true", "", true},
		{fakeidp.OpenID, "b@CORP.example", "true", "", true},
		{fakeidp.OpenID, "c@corp.example", "false", "", false},
		{fakeidp.OpenID, "d@sub.corp.example", "true", "", false},
		{fakeidp.OpenID, "e@corp.example.evil.example", "true", "", false},
		{fakeidp.OpenID, "f@notcorp.example", "true", "", false},
		{fakeidp.GitHub, "g@corp.example", "true", "", false},
		{fakeidp.Google, "h@corp.example", "true", "", false}, // once confirmed at Google, not hosted there
		{fakeidp.Google, "i@corp.example", "true", "corp.example", true},
		{fakeidp.Google, "j@corp.example", "true", "other.example", false},
	} {
		u := f.verified(f.user(storage.DefaultTenant, c.email, "", "correct horse"))
		v := f.visitor()
		v.come(c.kind, "", fakeidp.Person{Subject: fmt.Sprint(100 + i), Name: "Jo", Email: c.email, Verified: c.says,
			Hosted: c.hosted})
		if ids := f.identities(storage.DefaultTenant, u.EmailKey); (len(ids) == 1) != c.linked {
			t.Errorf("%+v: got %v", c, ids)
		}
		if got := v.is(); (got != "") != c.linked {
			t.Errorf("%+v: signed in as %q", c, got)
		}
		if c.linked {
			f.mails.Next(t, c.email) // its owner is told
		}
	}
	// A directory that writes addresses in capitals means the same mailbox. Users of other products got a second account,
	// or an error (zitadel/zitadel#12572).
	capitals := f.verified(f.user(storage.DefaultTenant, "k.doe@corp.example", "", "correct horse"))
	f.visitor().come(fakeidp.OpenID, "",
		fakeidp.Person{Subject: "200", Name: "K", Email: "K.Doe@Corp.Example", Verified: "true"})
	if ids := f.identities(storage.DefaultTenant, capitals.EmailKey); len(ids) != 1 {
		t.Errorf("in capitals: got %v", ids)
	}
	f.mails.Next(t, capitals.Email)
	// Two mailboxes: who has the one is not who has the other.
	u := f.verified(f.user(storage.DefaultTenant, "gross@corp.example", "", "correct horse"))
	v := f.visitor()
	v.goes(v.come(fakeidp.OpenID, "",
		fakeidp.Person{Subject: "groß", Name: "Jo", Email: "groß@corp.example", Verified: "true"}), "/")
	v.signedInAs("groß@corp.example")
	if ids := f.identities(storage.DefaultTenant, u.EmailKey); len(ids) != 0 {
		t.Errorf("got %v", ids)
	}
}

// G16: addresses are read exactly, or not at all.
func TestDomainsThatMayCome(t *testing.T) {
	t.Parallel()
	f := federate(t, func(s *storage.TenantSettings) { s.Upstreams[0].Domains = []string{"corp.example"} }, fakeidp.OpenID)
	for i, c := range []struct {
		email, says string
		in          bool
	}{
		{"jo@corp.example", "true", true}, {"JO2@Corp.Example", "true", true},
		{"jo@corp.example", "false", false}, {"jo@corp.example@evil.example", "true", false},
		{"jo@evil.example@corp.example", "true", false},
		{`"jo@corp.example"@evil.example`, "true", false}, {`"evil@evil.example"@corp.example`, "true", false},
		{"jo@evil.example (@corp.example)", "true", false},
		{"jo@corp.example.evil.example", "true", false}, {"jo@sub.corp.example", "true", false},
		{"jo\u200b@corp.example", "true", false},
		{"jo@соrp.example", "true", false}, {"corp.example", "true", false}, {"", "true", false},
		{"jo@corp.example, jo@evil.example", "true", false},
	} {
		v := f.visitor()
		a := v.come(fakeidp.OpenID, "",
			fakeidp.Person{Subject: fmt.Sprint(100 + i), Name: "Jo", Email: c.email, Verified: c.says})
		if got := a.leads() != "" && v.is() != ""; got != c.in || !c.in && a.status != http.StatusForbidden {
			t.Errorf("%q %s: came in is %v (%d %s), want %v", c.email, c.says, got, a.status, a.location(), c.in)
		}
	}
}

func TestWithoutSignUp(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*storage.TenantSettings){
		"closed tenant":   func(s *storage.TenantSettings) { s.SignUp.Mode = storage.SignUpClosed },
		"invitations":     func(s *storage.TenantSettings) { s.SignUp.Mode = storage.SignUpInvitation },
		"other domains":   func(s *storage.TenantSettings) { s.SignUp.EmailDomains = []string{"corp.example"} },
		"closed upstream": func(s *storage.TenantSettings) { s.Upstreams[0].SignUp = storage.SignUpClosed },
	} {
		f := federate(t, change, fakeidp.OpenID)
		v := f.visitor()
		if a := v.come(fakeidp.OpenID, "", fedJo); a.status != http.StatusForbidden {
			t.Errorf("%s: got %d %s", name, a.status, a.location())
		}
		who := fedJo
		who.Subject, who.Verified = "7", "false" // learns so only who proves the address
		if a := v.prove(v.come(fakeidp.OpenID, "", who), who.Email); a.status != http.StatusForbidden {
			t.Errorf("%s, by mail: got %d %s", name, a.status, a.location())
		}
		if _, err := f.store.UserByEmail(t.Context(), storage.DefaultTenant, fedJo.Email); err == nil {
			t.Errorf("%s: an account was made", name)
		}
		u := f.user(storage.DefaultTenant, "there@example.com", "", "")
		id := storage.Identity{TenantID: u.TenantID, Provider: fakeidp.OpenID, Subject: "1",
			UserID: u.ID, CreatedAt: time.Now()}
		if err := storagetest.AddIdentity(t.Context(), f.store, id); err != nil {
			t.Fatal(err)
		}
		v.goes(v.come(fakeidp.OpenID, "", fakeidp.Person{Subject: "1"}), "/") // who is linked comes in
		u.Disabled = true
		if err := storagetest.UpdateUser(t.Context(), f.store, u); err != nil {
			t.Fatal(err)
		}
		if a := v.come(fakeidp.OpenID, "", fakeidp.Person{Subject: "1"}); a.status != http.StatusForbidden {
			t.Errorf("%s, disabled: got %d", name, a.status)
		}
	}
}

// G15: many at once through one provider never get each other's account.
func TestManyComeAtOnce(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	var wg sync.WaitGroup
	for i := range 20 {
		v := f.visitor()
		wg.Go(func() {
			who := fakeidp.Person{Subject: fmt.Sprint(1000 + i), Name: "P",
				Email: fmt.Sprintf("p%d@example.com", i), Verified: "true"}
			v.come(fakeidp.Google, "", who)
			v.signedInAs(who.Email)
		})
	}
	wg.Wait()
	// P11: one newcomer in many windows is one account.
	var browsers []*visitor
	for range 10 {
		browsers = append(browsers, f.visitor())
	}
	for _, v := range browsers {
		wg.Go(func() {
			v.come(fakeidp.Google, "", fedJo)
			v.signedInAs(fedJo.Email)
		})
	}
	wg.Wait()
	if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != 1 {
		t.Errorf("got %v", ids)
	}
}

func TestProfileIsRefreshedByPolicy(t *testing.T) {
	t.Parallel()
	f := federate(t, func(s *storage.TenantSettings) {
		s.Upstreams[1].RefreshProfile = true
	}, fakeidp.Google, fakeidp.OpenID)
	for kind, want := range map[string]string{fakeidp.Google: "Jo Doe", fakeidp.OpenID: "Jo Married"} {
		who := fedJo
		who.Email = kind + "@example.com"
		f.visitor().come(kind, "", who)
		who.Name = "Jo Married"
		f.visitor().come(kind, "", who)
		if u, err := f.store.UserByEmail(t.Context(), storage.DefaultTenant, who.Email); err != nil ||
			u.Profile.Name != want {
			t.Errorf("%s: got %+v, %v; want %s", kind, u, err, want)
		}
	}
}

// Tenants do not share people, though they share a provider.
func TestTenantsApart(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	v := f.visitor()
	v.come(fakeidp.Google, "", fedJo)
	v.base = "/t/acme"
	v.goes(v.come(fakeidp.Google, "", fedJo), "/t/acme/")
	a, b := f.identities(storage.DefaultTenant, fedJo.Email), f.identities("acme", fedJo.Email)
	if len(a) != 1 || len(b) != 1 || a[0].UserID == b[0].UserID {
		t.Errorf("got %v and %v", a, b)
	}
}
