package login

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

var notMeURL = regexp.MustCompile(`https?://\S+(/not-me\?t=\S+)`)

// notMeIn is the path of the mail's link, and fails the test without one.
func notMeIn(t *testing.T, m smtptest.Message) string {
	t.Helper()
	found := notMeURL.FindStringSubmatch(m.Text)
	if found == nil || !strings.Contains(m.HTML, "/not-me?t=") {
		t.Fatalf("%q has no link that says it was not its reader:\n%s", m.Subject, m.Text)
	}
	return found[1]
}

// saysNotMe opens the link and presses the button. The answer is that of the form.
func (v *visitor) saysNotMe(path string, more ...string) answer {
	v.t.Helper()
	if p := v.get(path); p.status != http.StatusOK && len(more) == 0 {
		v.t.Fatalf("the link: got %d: %s", p.status, p.body)
	}
	return v.post("/not-me", append([]string{"t", strings.TrimPrefix(path, "/not-me?t=")}, more...)...)
}

// reopens types the code of the mail, with a new password, where the answer led.
func (v *visitor) reopens(p answer, m smtptest.Message, password string) answer {
	v.t.Helper()
	id := flow(v.t, p)
	v.get(p.location())
	return v.post("/reset", "flow", id, "code", m.Code, "password", password)
}

// since lets everything that a user has lie back.
func (s *site) since(u storage.User, ago time.Duration) {
	s.t.Helper()
	creds, err := s.store.CredentialsOf(s.t.Context(), u.TenantID, u.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	ch := storage.Change{}
	for _, c := range creds {
		ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: c.Kind, ID: c.ID})
		c.CreatedAt = c.CreatedAt.Add(-ago)
		ch.Credentials = append(ch.Credentials, c)
	}
	s.change(u, ch)
}

// TestAThiefIsPutOut: a thief with a session moved the account to an address of theirs, added
// a passkey, an authenticator app and an identity, and chose a password.
func TestAThiefIsPutOut(t *testing.T) {
	t.Parallel()
	s := startAt(t, "http", "localhost", free)
	jo := s.verified("jo@example.com", "jo", right)
	mine, theirs := passkeytest.New(t, s.url), passkeytest.New(t, s.url)
	kept := s.passkey(jo, mine)
	s.since(jo, time.Hour)
	s.give(jo, []storage.Identity{{Provider: "corp", Subject: "jo", CreatedAt: time.Now().Add(-time.Hour)}})

	thief := s.signedIn("jo")
	flow := thief.asksFor("thief@example.org")
	thief.post("/account/email/confirm", "flow", flow, "code", s.mails.Next(t, "thief@example.org").Code)
	link := notMeIn(t, s.mails.Next(t, "jo@example.com"))
	if p := thief.addPasskey(theirs, "thief's"); p.outcome() != "/account/passkeys" {
		t.Fatalf("the thief's passkey: got %d", p.status)
	}
	thief.setsUp(jo, "/account/second-factor/app", thief.at("/account/second-factor/app"))
	s.give(jo, []storage.Identity{{Provider: "google", Subject: "thief", CreatedAt: time.Now()}})
	s.allow(jo, "app", "openid")
	grant := s.grant(jo, "app", "", true)

	// Mail scanners open links, and post nothing that our page did not make.
	scanner := s.visitor()
	for range 3 {
		scanner.get(link)
	}
	head, err := http.NewRequest(http.MethodHead, s.url+link, nil)
	if err != nil {
		t.Fatal(err)
	}
	scanner.do(head)
	bare := s.visitor()
	if p := bare.post("/not-me", "t", strings.TrimPrefix(link, "/not-me?t=")); p.status != http.StatusForbidden {
		t.Errorf("a form without its page: got %d", p.status)
	}
	if u := s.stored(jo); u.EmailKey != "thief@example.org" || u.Disabled || !s.lives(grant) {
		t.Fatalf("a scanner changed something: %+v", u)
	}

	v := s.visitor()
	if p := v.get(link); !strings.Contains(p.body, "jo@example.com") {
		t.Error("the page does not say which address comes back")
	}
	done := v.saysNotMe(link)
	u := s.stored(jo)
	if u.EmailKey != "jo@example.com" || !u.EmailVerified || !u.Disabled || u.SecuredAt.IsZero() || s.lives(grant) ||
		len(s.sessionsOf(jo)) != 0 {
		t.Fatalf("got %+v, grant %v", u, s.lives(grant))
	}
	if keys := s.passkeysOf(jo); len(keys) != 1 || keys[0].ID() != kept.ID() {
		t.Errorf("got %d passkeys, want the one of before", len(keys))
	}
	ids, err := s.store.IdentitiesOf(t.Context(), jo.TenantID, jo.ID)
	if err != nil || len(ids) != 1 || ids[0].Provider != "corp" || hasKind(t, s, jo, storage.TOTPCredential) ||
		hasKind(t, s, jo, storage.RecoveryCredential) {
		t.Errorf("got identities %v, %v", ids, err)
	}
	if consents, err := s.store.ConsentsOf(t.Context(), jo.TenantID, jo.ID); err != nil || len(consents) != 0 {
		t.Errorf("got consents %v, %v", consents, err)
	}
	// Neither the old password nor the attacker's signs in, and the answer to the right one says why.
	if p := thief.signIn("jo", right); p.status != http.StatusForbidden || !strings.Contains(p.body, "was locked") {
		t.Errorf("the password of before: got %d", p.status)
	}
	if p := thief.signIn("jo", "another "+right); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong password: got %d", p.status)
	}
	thief.get("/login?other=1")
	if thief.usePasskey(theirs); thief.signedIn() {
		t.Error("the thief's passkey opens the account")
	}
	if m := s.mails.Next(t, "thief@example.org"); notMeURL.MatchString(m.Text) &&
		strings.Contains(m.Subject, "old address") {
		t.Errorf("the other address is told with a link: %s", m.Text)
	}

	m := s.mails.Next(t, "jo@example.com")
	v.leads(v.reopens(done, m, fresh), "/reset/done")
	if u := s.stored(jo); u.Disabled || !u.SecuredAt.IsZero() {
		t.Errorf("after the code: %+v", u)
	}
	v.signIn("jo@example.com", fresh)
	if !v.signedIn() {
		t.Error("the owner cannot sign in")
	}
	again := s.visitor()
	again.get("/login")
	if again := again.saysNotMe(link, "again", "1"); again.status != http.StatusGone {
		t.Errorf("the link works twice: got %d", again.status)
	}
}

// TestEverySecurityMailHasTheLink makes each kind of change through its page.
func TestEverySecurityMailHasTheLink(t *testing.T) {
	t.Parallel()
	s := startAt(t, "http", "localhost", free)
	jo := s.verified("jo@example.com", "jo", right)
	v := s.signedIn("jo")
	for _, c := range []struct {
		name string
		make func() answer
	}{
		{"profile", func() answer { v.at("/account/profile"); return v.post("/account/profile", "name", "Jo") }},
		{"passkey", func() answer { return v.addPasskey(passkeytest.New(t, s.url), "one") }},
		{"app", func() answer {
			_, p := v.setsUp(jo, "/account/second-factor/app", v.at("/account/second-factor/app"))
			return p
		}},
		{"codes", func() answer { return v.does("codes") }},
		{"password", func() answer {
			v.at("/account/password")
			return v.post("/account/password", "old_password", right, "password", fresh)
		}},
	} {
		if p := c.make(); p.status >= 400 {
			t.Fatalf("%s: got %d: %s", c.name, p.status, p.body)
		}
		notMeIn(t, s.mails.Next(t, "jo@example.com"))
	}
}

// TestOfTwoLinksTheEarlierWins: a thief gets mails, too, once the account is moved, and presses
// the button of one first.
func TestOfTwoLinksTheEarlierWins(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	jo := s.verified("jo@example.com", "jo", right)
	thief := s.signedIn("jo")
	move := func(from, to string) string {
		id := thief.asksFor(to)
		thief.post("/account/email/confirm", "flow", id, "code", s.mails.Next(t, to).Code)
		return notMeIn(t, s.mails.Next(t, from))
	}
	owners := move("jo@example.com", "one@example.org")
	thiefs := move("one@example.org", "two@example.org")
	thief.saysNotMe(thiefs)
	if u := s.stored(jo); u.EmailKey != "one@example.org" {
		t.Fatalf("got %s", u.EmailKey)
	}
	v := s.visitor()
	done := v.saysNotMe(owners)
	if u := s.stored(jo); u.EmailKey != "jo@example.com" {
		t.Fatalf("the owner's link came too late: %s", u.EmailKey)
	}
	for _, path := range []string{thiefs, owners} {
		p := s.visitor().saysNotMe(path, "x", "y")
		if u := s.stored(jo); p.outcome() != "/not-me" && p.leads() != "" || u.EmailKey != "jo@example.com" {
			t.Errorf("a spent link: got %d, %s", p.status, u.EmailKey)
		}
	}
	v.reopens(done, s.mails.Next(t, "jo@example.com"), fresh)
	s.signedWith("jo@example.com", fresh)
}

// TestALinkIsPressedOnce: of many at once one does something, and all see that it was done.
func TestALinkIsPressedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	jo := s.verified("jo@example.com", "jo", right)
	link := s.linkTo(jo, time.Now(), jo.Email)
	var wg sync.WaitGroup
	for range 10 {
		v := s.visitor()
		v.get(link)
		req := v.request("/not-me", "t", strings.TrimPrefix(link, "/not-me?t="))
		wg.Go(func() {
			resp, err := v.client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode >= 500 {
				t.Errorf("got %d", resp.StatusCode)
			}
		})
	}
	wg.Wait()
	if n, version := s.count("account.secured"), s.stored(jo).CredentialVersion; n != 1 ||
		version != jo.CredentialVersion+1 {
		t.Errorf("secured %d times, version %d", n, version)
	}
	// Until it is open again, another code can be asked for.
	v := s.visitor()
	s.mails.Next(t, "jo@example.com")
	p := v.saysNotMe(link, "again", "1")
	v.leads(v.reopens(p, s.mails.Next(t, "jo@example.com"), fresh), "/reset/done")
}

// linkTo is the path of the link of a mail that was written then, to the address.
func (s *site) linkTo(u storage.User, at time.Time, email string) string {
	plain := fmt.Sprintf(`{"u":%q,"t":%d,"e":%q,"v":true}`, u.ID, at.UnixMicro(), email)
	return "/not-me?t=" + s.login.Secrets.Box(u.TenantID, secret.Disavowal).SealString([]byte(plain))
}

func TestLinksThatDoNothingSaySo(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	jo, closed, taken := s.verified("jo@example.com", "jo", right), s.verified("closed@example.com", "", right),
		s.verified("taken@example.com", "", right)
	closed.Disabled = true
	if err := storagetest.UpdateUser(t.Context(), s.store, closed); err != nil {
		t.Fatal(err)
	}
	gone := storage.User{TenantID: jo.TenantID, ID: "nobody"}
	acme := jo
	acme.TenantID = "acme"
	for name, c := range map[string]struct {
		path, says string
		status     int
	}{
		"too old": {s.linkTo(jo, time.Now().Add(-7*24*time.Hour-time.Minute), jo.Email),
			"notme.late", http.StatusGone},
		"of the future":    {s.linkTo(jo, time.Now().Add(2*time.Hour), jo.Email), "notme.late", http.StatusGone},
		"forged":           {"/not-me?t=AAAA", "notme.bad", http.StatusUnprocessableEntity},
		"none":             {"/not-me?t=", "notme.bad", http.StatusUnprocessableEntity},
		"another tenant's": {s.linkTo(acme, time.Now(), jo.Email), "notme.bad", http.StatusUnprocessableEntity},
		"no user's":        {s.linkTo(gone, time.Now(), jo.Email), "notme.bad", http.StatusUnprocessableEntity},
		"closed":           {s.linkTo(closed, time.Now(), closed.Email), "notme.bad", http.StatusUnprocessableEntity},
	} {
		v := s.visitor()
		v.get("/login")
		if p := v.get(c.path); p.status != c.status || !strings.Contains(p.body, english[c.says]) {
			t.Errorf("%s: got %d", name, p.status)
		}
		if p := v.saysNotMe(c.path, "x", "y"); p.status != c.status || !strings.Contains(p.body, english[c.says]) {
			t.Errorf("%s, posted: got %d", name, p.status)
		}
	}
	if u := s.stored(jo); u.Disabled {
		t.Error("a link that does nothing closed the account")
	}
	// The address is another account's by now: closed all the same, and no code goes anywhere.
	v := s.visitor()
	p := v.saysNotMe(s.linkTo(jo, time.Now(), taken.Email))
	if u := s.stored(jo); p.status != http.StatusConflict || !u.Disabled || u.EmailKey != "jo@example.com" ||
		len(s.mails.Waiting()) != 0 {
		t.Errorf("got %d, %+v", p.status, u)
	}
	if u := s.stored(taken); u.Disabled || u.EmailKey != "taken@example.com" {
		t.Errorf("another user's account: %+v", u)
	}
}

// TestNoLinkGetsAroundASecondFactor: a reader of the mailbox has the links of honest changes
// of the last days. A second factor that was there before is there afterwards.
func TestNoLinkGetsAroundASecondFactor(t *testing.T) {
	t.Parallel()
	replace := func(v *visitor, a *phone) {
		v.setsUp(a.user, "/account/second-factor/app", v.at("/account/second-factor/app"))
	}
	for name, c := range map[string]struct {
		change func(v *visitor, a *phone)
		mails  int
	}{
		"replaced":            {replace, 1},
		"replaced twice":      {func(v *visitor, a *phone) { replace(v, a); replace(v, a) }, 2},
		"switched off":        {func(v *visitor, a *phone) { v.does("off") }, 1},
		"new codes":           {func(v *visitor, a *phone) { v.does("codes") }, 1},
		"new codes, then off": {func(v *visitor, a *phone) { v.does("codes"); v.does("off") }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, free)
			a := s.enrolled("jo@example.com")
			s.since(a.user, time.Hour)
			old := a.secret
			v := s.as(a.user, "pwd", "otp", "mfa")
			c.change(v, a)
			link := ""
			for range c.mails {
				link = notMeIn(t, s.mails.Next(t, "jo@example.com"))
			}
			mailbox := s.visitor()
			done := mailbox.saysNotMe(link)
			mailbox.reopens(done, s.mails.Next(t, "jo@example.com"), fresh)
			p := mailbox.signIn("jo@example.com", fresh)
			mailbox.leads(p, "/second-factor")
			if mailbox.signedIn() {
				t.Fatal("the mailbox alone opens the account")
			}
			a.secret = old
			mailbox.get("/second-factor")
			if mailbox.post("/second-factor", "code", a.shows()); !mailbox.signedIn() {
				t.Error("the app of before does not work")
			}
		})
	}
}

// TestAResetShowsWhatElseOpensTheAccount, and takes away what its reader does not know, but
// nothing that is asked for as a second factor.
func TestAResetShowsWhatElseOpensTheAccount(t *testing.T) {
	t.Parallel()
	s := startAt(t, "http", "localhost", func(c *Config) {
		free(c)
		c.Service.StandIns = []storage.Upstream{{ID: "google", Preset: "google", ClientID: "c"}}
	})
	jo := s.verified("jo@example.com", "jo", right)
	device := passkeytest.New(t, s.url)
	key := s.passkey(jo, device)
	s.give(jo, []storage.Identity{{Provider: "google", Subject: "1", Email: "g@example.net", CreatedAt: time.Now()}})
	v := s.visitor()
	v.reopens(v.forgot("jo"), s.mails.Next(t, "jo@example.com"), fresh)
	p := v.get("/reset/done")
	for _, want := range []string{"g@example.net", url.QueryEscape("Google")[:6], "remove passkey " + key.ID(),
		"remove identity google 1"} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	other := s.visitor()
	other.get("/login")
	if q := other.get("/reset/done"); strings.Contains(q.body, "g@example.net") {
		t.Error("another browser sees it")
	}
	if q := other.post("/reset/done", "remove passkey "+key.ID(), "1"); q.status != http.StatusUnprocessableEntity ||
		len(s.passkeysOf(jo)) != 1 {
		t.Errorf("another browser removes it: %d", q.status)
	}
	if q := v.post("/reset/done"); q.status != http.StatusUnprocessableEntity {
		t.Errorf("nothing ticked: got %d", q.status)
	}
	v.leads(v.post("/reset/done", "remove passkey "+key.ID(), "1", "remove identity google 1", "1"),
		"/reset/done?removed=1")
	ids, err := s.store.IdentitiesOf(t.Context(), jo.TenantID, jo.ID)
	if err != nil || len(ids) != 0 || len(s.passkeysOf(jo)) != 0 {
		t.Errorf("got %v, %v", ids, err)
	}
	for s.mails.Next(t, "jo@example.com").Subject != "Your Vouchsafe account was changed" {
	}

	mo, _ := s.withKey("mo@example.com")
	mo.EmailVerified = true
	if err := storagetest.UpdateUser(t.Context(), s.store, mo); err != nil {
		t.Fatal(err)
	}
	s.give(mo, nil, storage.RecoveryCredential) // with codes, passkeys are asked for
	kept := s.passkeysOf(mo)
	v = s.visitor()
	v.reopens(v.forgot("mo@example.com"), s.mails.Next(t, "mo@example.com"), fresh)
	if p := v.get("/reset/done"); strings.Contains(p.body, "remove passkey") ||
		!strings.Contains(p.body, "This wasn’t me") {
		t.Errorf("a passkey that is a second factor can be removed by who reads the mailbox: %s", p.body)
	}
	if p := v.post("/reset/done", "remove passkey "+kept[0].ID(), "1"); p.status != http.StatusUnprocessableEntity ||
		len(s.passkeysOf(mo)) != len(kept) {
		t.Errorf("got %d, and %d passkeys", p.status, len(s.passkeysOf(mo)))
	}
}

// TestWhoHasNoPasswordOpensTheAccountByTheCode: users who come from elsewhere get no password.
func TestWhoHasNoPasswordOpensTheAccountByTheCode(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	jo := s.verified("jo@example.com", "", "")
	s.give(jo, []storage.Identity{{Provider: "corp", Subject: "1", CreatedAt: time.Now().Add(-time.Hour)}})
	v := s.visitor()
	done := v.saysNotMe(s.linkTo(jo, time.Now(), jo.Email))
	m := s.mails.Next(t, "jo@example.com")
	if p := v.get(done.location()); strings.Contains(p.body, `name="password"`) {
		t.Error("a password is asked for")
	}
	v.leads(v.reopens(done, m, ""), "/reset/done?opened=1")
	creds, err := s.store.CredentialsOf(t.Context(), jo.TenantID, jo.ID)
	if err != nil || slices.ContainsFunc(creds, func(c storage.Credential) bool {
		return c.Kind == storage.PasswordCredential
	}) || s.stored(jo).Disabled {
		t.Errorf("got %v, %v, %+v", creds, err, s.stored(jo))
	}
	// Operators close for good: no mail opens that.
	u := s.stored(jo)
	u.Disabled = true
	if err := storagetest.UpdateUser(t.Context(), s.store, u); err != nil {
		t.Fatal(err)
	}
	v.forgot("jo@example.com")
	if p := v.get(s.linkTo(jo, time.Now(), jo.Email)); p.status != http.StatusUnprocessableEntity {
		t.Errorf("closed by operators: got %d", p.status)
	}
}
