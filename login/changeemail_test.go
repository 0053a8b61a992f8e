package login

import (
	"errors"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// asksFor has the browser ask for another address, and gives the flow.
func (v *visitor) asksFor(email string) string {
	v.t.Helper()
	v.at("/account/email")
	p := v.post("/account/email", "email", email)
	u, err := url.Parse(p.leads())
	if err != nil || u.Path != "/account/email/confirm" {
		v.t.Fatalf("%s: got %d to %q", email, p.status, p.location())
	}
	v.at(p.location())
	return u.Query().Get("flow")
}

// TestAnAddressChangesWhenItIsProven is for I7 and I8.
func TestAnAddressChangesWhenItIsProven(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	jo := s.user("default", "jo@example.com", "jo", right)
	jo.EmailVerified = true
	if err := storagetest.UpdateUser(t.Context(), s.store, jo); err != nil {
		t.Fatal(err)
	}
	v := s.signedIn("jo")
	for _, bad := range []string{"", "nobody", "a@b@c", "a@example.com\r\nBcc: x@example.com",
		`"a b"@example.com`, "a@[127.0.0.1]"} {
		v.at("/account/email")
		if p := v.post("/account/email", "email", bad); p.status != http.StatusUnprocessableEntity ||
			!strings.Contains(p.body, english["setup.bad_email"]) {
			t.Errorf("%q: got %d", bad, p.status)
		}
	}
	if p := v.post("/account/email", "email", "JO@example.com"); p.status != http.StatusUnprocessableEntity ||
		!strings.Contains(p.body, english["newemail.same"]) {
		t.Errorf("the same address: got %d", p.status)
	}

	// A code for something else, from before, which readers of the old mailbox know.
	reset := s.newCode(storage.CodeReset, "jo@example.com", jo.ID, nil, time.Hour)
	must(t, storagetest.PutCode(t.Context(), s.store, reset.Code))
	first := v.asksFor("Jo@New.Example")
	older := s.mails.Next(t, "Jo@New.Example")
	flow := v.asksFor("Jo@New.Example")
	mail := s.mails.Next(t, "Jo@New.Example")
	if s.stored(jo).Email != "jo@example.com" {
		t.Fatal("the address changed before it was proven")
	}
	for name, form := range map[string][]string{
		"an older code": {"flow", first, "code", older.Code}, "the older link": {"token", tokenOf(older)},
		"the older code here": {"flow", flow, "code", older.Code},
		"a wrong code":        {"flow", flow, "code", "00000000"}, "no flow": {"code", mail.Code}, "nothing": {"flow", flow},
		"another purpose": {"flow", reset.ID, "code", reset.Digits},
	} {
		if p := v.post("/account/email/confirm", form...); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d", name, p.status)
		}
	}
	for range 3 { // scanners follow links
		p := v.get(v.path(mail))
		if p.status != http.StatusOK || !strings.Contains(p.body, "Use Jo@new.example for") {
			t.Fatalf("the link: got %d", p.status)
		}
	}
	// The link alone does not do: elsewhere, it changes nothing and tells nothing.
	mo := s.user("default", "mo@example.com", "", right)
	stranger, other := s.visitor(), s.signedIn("mo@example.com")
	stranger.get("/login")
	if p := stranger.get(v.path(mail)); p.status != http.StatusOK || strings.Contains(p.body, "new.example") ||
		!strings.Contains(p.body, english["newemail.elsewhere"]) {
		t.Errorf("an unknown browser: got %d", p.status)
	}
	if p := stranger.post("/account/email/confirm", "token", tokenOf(mail)); !strings.HasPrefix(p.leads(), "/login?") {
		t.Errorf("an unknown form: got %d", p.status)
	}
	other.at("/account/profile")
	for _, path := range []string{v.path(mail), "/account/email/confirm?flow=" + flow} {
		if p := other.get(path); p.status != http.StatusUnprocessableEntity || strings.Contains(p.body, "New.Example") {
			t.Errorf("another's browser at %s: got %d", path, p.status)
		}
	}
	for _, form := range [][]string{{"token", tokenOf(mail)}, {"flow", flow, "code", mail.Code}} {
		if p := other.post("/account/email/confirm", form...); p.status != http.StatusUnprocessableEntity {
			t.Errorf("another's form: got %d", p.status)
		}
	}
	if s.stored(mo).Email != "mo@example.com" || s.stored(jo).Email != "jo@example.com" {
		t.Fatal("an address was changed by another user")
	}
	// Of many at once, one succeeds (I2).
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		form := []string{"flow", flow, "code", mail.Code[:4] + " " + mail.Code[4:]}
		if i%2 == 0 {
			form = []string{"token", tokenOf(mail)}
		}
		req := v.request("/account/email/confirm", form...)
		wg.Go(func() {
			resp, err := v.client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			switch got := s.outcome(resp); got {
			case "/account":
				won.Add(1)
			case "422":
			default:
				t.Errorf("got %s", got)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d succeeded, want one", won.Load())
	}
	now := s.stored(jo)
	if now.Email != "Jo@new.example" || now.EmailKey != "jo@new.example" || !now.EmailVerified ||
		now.CredentialVersion != jo.CredentialVersion {
		t.Errorf("got %+v", now)
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "Jo@new.example") || m.Code != "" {
		t.Errorf("the old address was told %q", m.Text)
	}
	if _, err := s.store.Code(t.Context(), "default", reset.ID, time.Now()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the old mailbox still resets the password: %v", err)
	}
	if p := s.visitor().signIn("jo@example.com", right); p.status != http.StatusUnprocessableEntity {
		t.Errorf("the old address signs in: got %d", p.status)
	}
	s.signedWith("jo@new.example", right)
	v.at("/account") // and the session goes on
}

// TestCodesForAnAddressRunOut is for I3: five tries, in whatever number of requests at once.
func TestCodesForAnAddressRunOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	jo := s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	flow := v.asksFor("jo@new.example")
	mail := s.mails.Next(t, "jo@new.example")
	for range mostTries {
		if p := v.post("/account/email/confirm", "flow", flow, "code",
			"00000000"); p.status != http.StatusUnprocessableEntity {
			t.Errorf("got %d", p.status)
		}
	}
	if p := v.post("/account/email/confirm", "flow", flow, "code",
		mail.Code); p.status != http.StatusUnprocessableEntity || s.stored(jo).Email != "jo@example.com" {
		t.Errorf("the right code after %d wrong ones: got %d", mostTries, p.status)
	}
	// A password's change voids what waits (G10).
	v.asksFor("jo@new.example")
	mail = s.mails.Next(t, "jo@new.example")
	v.at("/account/password")
	v.post("/account/password", "old_password", right, "password", another)
	v.at("/account/profile")
	if p := v.post("/account/email/confirm", "token", tokenOf(mail)); p.status != http.StatusUnprocessableEntity ||
		s.stored(jo).Email != "jo@example.com" {
		t.Errorf("a link from before the password's change: got %d", p.status)
	}
}

// TestChangesDoNotTellWhoHasAnAddress is for H4: a user who asks for another user's address gets the
// answer that every address gets, and only the address's owner is told.
func TestChangesDoNotTellWhoHasAnAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	jo := s.user("default", "jo@example.com", "", right)
	s.user("default", "mo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	look := func(email string) (string, answer) {
		flow := v.asksFor(email)
		p := v.at("/account/email/confirm?flow=" + flow)
		p.body = strings.NewReplacer(flow, "FLOW", email, "ADDRESS").Replace(p.body)
		for _, name := range []string{"Date", "X-Request-Id", "Content-Length"} {
			p.header.Del(name)
		}
		return flow, p
	}
	_, free := look("no@example.com")
	flow, taken := look("mo@example.com")
	if free.body != taken.body || free.status != taken.status ||
		!maps.EqualFunc(free.header, taken.header, slices.Equal[[]string]) {
		t.Errorf("got %d %v\n%s\nand %d %v\n%s", free.status, free.header, free.body, taken.status, taken.header, taken.body)
	}
	if m := s.mails.Next(t, "mo@example.com"); m.Code != "" || strings.Contains(m.Text, "jo@") ||
		!strings.Contains(m.Text, "belongs to an account") {
		t.Errorf("the owner was told %q", m.Text)
	}
	v.post("/account/email/confirm", "flow", flow, "code", "12345678")
	if now := s.stored(jo); now.Email != "jo@example.com" {
		t.Errorf("got %+v", now)
	}

	// Another user takes the address while the code is on its way.
	v.asksFor("late@example.com")
	mail := s.mails.Next(t, "late@example.com")
	s.user("default", "late@example.com", "", right)
	if p := v.post("/account/email/confirm", "token", tokenOf(mail)); p.status != http.StatusUnprocessableEntity ||
		!strings.Contains(p.body, english["newemail.taken"]) {
		t.Errorf("taken meanwhile: got %d", p.status)
	}
}

// TestAddressesAreNotFlooded is for I5.
func TestAddressesAreNotFlooded(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.PerTarget = limit.Rule{Max: 2, Window: time.Hour} })
	s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/email")
	for i := range 4 {
		p := v.post("/account/email", "email", "victim@example.com")
		if want := map[bool]string{true: "/account/email/confirm", false: "429"}[i < 2]; p.outcome() != want ||
			want == "429" && p.header.Get("Retry-After") == "" {
			t.Errorf("mail %d: got %s, want %s", i, p.outcome(), want)
		}
	}
	// No user can have mails sent to new addresses without end.
	for i := range int(s.login.PerEmailChange.Max) {
		p := v.post("/account/email", "email", "victim"+string(rune('a'+i))+"@example.com")
		if i == int(s.login.PerEmailChange.Max)-1 && p.status != http.StatusTooManyRequests {
			t.Errorf("address %d: got %d", i, p.status)
		}
	}
}

// TestTheAddressOneHasIsConfirmed: of an account that was imported.
func TestTheAddressOneHasIsConfirmed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	if p := v.at("/account/email"); !strings.Contains(p.body, english["newemail.confirm_it"]) {
		t.Fatal("there is nothing to confirm it with")
	}
	p := v.post("/account/email", "this", "1", "email", "")
	v.at(p.location())
	mail := s.mails.Next(t, "jo@example.com")
	if p := v.post("/account/email/confirm", "token", tokenOf(mail)); p.location() != "/account?done=confirmed" {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	if now := s.stored(jo); !now.EmailVerified || now.Email != "jo@example.com" {
		t.Errorf("got %+v", now)
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, english["notice.confirmed"]) {
		t.Errorf("got mail %q", m.Text)
	}
	if p := v.at("/account/email"); strings.Contains(p.body, english["newemail.confirm_it"]) {
		t.Error("it is still to be confirmed")
	}
}

// H5: groß and gross are two mailboxes to some mail servers: mail to the one does not prove
// the other, wherever an address is asked for.
func TestAnAddressIsNotProvenByMailToOneLikeIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	gross := s.user("default", "gross@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/email")
	if p := v.post("/account/email", "email", "groß@example.com"); !strings.HasPrefix(p.leads(),
		"/account/email/confirm?flow=") {
		t.Errorf("got %d to %q", p.status, p.location())
	}
	if m := s.mails.Next(t, "groß@example.com"); m.Code == "" {
		t.Errorf("groß@ was told %q", m.Text)
	}
	r := s.asked(storage.TenantSettings{})
	who := &federation.Stranger{ID: "1", Upstream: "u", Subject: "s"}
	if _, err := s.login.Federation.SendCode(r.Context(), s.login.askerOf(r), who, "groß@example.com", ""); err != nil {
		t.Error(err)
	}
	if m := s.mails.Next(t, "groß@example.com"); m.Code == "" {
		t.Errorf("groß@ was told %q", m.Text)
	}
	if now := s.stored(gross); now.Email != gross.Email || now.EmailVerified {
		t.Errorf("gross@ has become %+v", now)
	}
	// What some take for another is refused.
	for _, bad := range []string{"ﬁona@example.com", "ſ@example.com"} {
		if p := v.post("/account/email", "email", bad); p.status != http.StatusUnprocessableEntity ||
			html.UnescapeString(alertOf(p)) != english["email.special"] {
			t.Errorf("%s: got %d to %q", bad, p.status, p.location())
		}
		if _, err := s.login.Federation.SendCode(r.Context(), s.login.askerOf(r), who, bad, ""); err == nil {
			t.Errorf("a code goes to a stranger's %s", bad)
		}
	}
	// And mail goes to the very domain that was proven, however it was typed.
	s.user("default", "jo@faß.example", "", right)
	w := s.visitor()
	w.get("/forgot")
	w.post("/forgot", "login", "jo@faß.example")
	s.mails.Next(t, "jo@xn--fa-hia.example")
}

// TestMailsNameTheConfiguredHost is for I4.
func TestMailsNameTheConfiguredHost(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/email")
	req := v.request("/account/email", "email", "new@example.com")
	for _, h := range []string{"X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto", "X-Original-Host"} {
		req.Header.Set(h, "evil.example")
	}
	if p := v.do(req); p.outcome() != "/account/email/confirm" {
		t.Fatalf("got %d", p.status)
	}
	if m := s.mails.Next(t, "new@example.com"); !strings.HasPrefix(m.Link, s.url+"/account/email/confirm?token=") ||
		strings.Contains(m.Text+m.HTML, "evil") {
		t.Errorf("got the link %q", m.Link)
	}
}

// BenchmarkAddressesAskedFor reports the median time of asking for an address that no
// user has, and for one that another user has. Run it with -benchtime 200x.
func BenchmarkAddressesAskedFor(b *testing.B) {
	s := newSite(b, func(c *Config) {
		free(c)
		c.PerEmailChange = limit.Rule{Max: 1 << 40, Window: time.Hour}
	})
	s.user("default", "jo@example.com", "", right)
	s.user("default", "taken@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/email")
	took := map[string][]time.Duration{}
	for b.Loop() {
		for _, name := range []string{"taken", "nobody"} {
			req := v.request("/account/email", "email", name+"@example.com")
			start := time.Now()
			if p := v.do(req); p.outcome() != "/account/email/confirm" {
				b.Fatalf("got %d", p.status)
			}
			took[name] = append(took[name], time.Since(start))
		}
	}
	for name, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), name+"-µs")
	}
}
