package login

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestPeopleSetUpAnAppFromTheirAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	v.signIn("jo@example.com", right)
	before := v.cookie("session")
	elsewhere := s.visitor()
	elsewhere.signIn("jo@example.com", right)
	if p := v.get("/account/second-factor"); !strings.Contains(p.body, "Not set up") ||
		strings.Contains(p.body, `value="off"`) {
		t.Error("the page says that there is a second factor")
	}
	const page = "/account/second-factor/app"
	p := v.get(page)
	if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "img-src data: 'self' https:") {
		t.Errorf("the picture may not be shown: %s", csp)
	}
	if csp := v.get("/account/second-factor").header.Get("Content-Security-Policy"); strings.Contains(csp, "data:") {
		t.Errorf("another page may show made pictures: %s", csp)
	}
	if !regexp.MustCompile(`<img class="qr" src="data:image/png;base64,[^"]{200,}"`).MatchString(p.body) ||
		!strings.Contains(p.body, `href="otpauth://totp/Vouchsafe:jo@example.com?`) {
		t.Error("the page has no picture or no link for apps")
	}
	if hasKind(t, s, user, storage.TOTPCredential) {
		t.Fatal("looking at the page sets an app up")
	}
	id := field(t, p.body, "session") // as a browser sends it
	if id != v.session().ID {
		t.Errorf("the form names session %q", id)
	}
	wrong := v.post(page, "session", id, "setup", setupField.FindStringSubmatch(p.body)[1], "code", "000000")
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(wrong.body, "That code is wrong") ||
		secretText.FindString(wrong.body) != secretText.FindString(p.body) {
		t.Errorf("wrong digits: got %d, or another secret", wrong.status)
	}
	jo, done := v.setsUp(user, page, p, "session", field(t, wrong.body, "session"))
	if done.status != http.StatusOK || len(jo.codes) != 10 {
		t.Fatalf("got %d and %d recovery codes", done.status, len(jo.codes))
	}
	file := regexp.MustCompile(
		`href="data:text/plain;charset=utf-8;base64,([^"]*)" download="recovery-codes.txt"`).FindStringSubmatch(done.body)
	if file == nil {
		t.Fatal("the codes cannot be downloaded")
	}
	text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(file[1], "&#43;", "+"))
	if err != nil || !strings.Contains(string(text), strings.Join(jo.codes, "\r\n")) ||
		!strings.Contains(string(text), "jo@example.com") {
		t.Errorf("got the file %q, %v", text, err)
	}
	// The browser that set it up has used it (H1: by a new cookie).
	if got := v.session(); got.ID != id || got.ACR != storage.ACRMultiFactor ||
		!cmp.Equal(got.AMR, []string{"pwd", "otp", "mfa"}) || v.cookie("session") == before {
		t.Errorf("got session %+v", got)
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "Two-step verification was turned on") {
		t.Errorf("got mail %q", m.Text)
	}
	// Sessions with fewer factors have ended.
	if p := elsewhere.get("/account"); p.leads() != toSignIn {
		t.Errorf("another browser is still signed in: got %d", p.status)
	}
	// Sending the form again does nothing.
	if again := v.post(page, "session", id, "setup", setupField.FindStringSubmatch(p.body)[1], "code",
		jo.shows()); again.status != http.StatusUnprocessableEntity {
		t.Errorf("sent again: got %d", again.status)
	}
	for _, path := range []string{"/account/second-factor", page} {
		body := v.get(path).body
		for _, code := range append(jo.codes, jo.secret) {
			if strings.Contains(strings.ReplaceAll(body, " ", ""), code) {
				t.Errorf("%s shows a code or the secret again", path)
			}
		}
	}
	if p := v.get("/account/second-factor"); !strings.Contains(p.body, "10 codes left") {
		t.Error("the page does not count the codes")
	}
	jo.waits()
	w := s.visitor()
	w.leads(w.signIn("jo@example.com", right), "/second-factor")
	w.leads(w.post("/second-factor", "code", jo.shows()), "/")
	for _, cred := range mustCreds(t, s, user) {
		if strings.Contains(string(cred.Data), jo.secret) {
			t.Errorf("%s is stored in clear", cred.Kind)
		}
	}
}

func mustCreds(t *testing.T, s *site, u storage.User) []storage.Credential {
	t.Helper()
	creds, err := s.store.CredentialsOf(t.Context(), u.TenantID, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

// H10: enrolment without signing in again; H12.
func TestChangesOfTheSecondFactorAskForAFreshProof(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	v.signIn("jo@example.com", right)
	p := v.get("/account/second-factor/app")
	v.ages(6 * time.Minute)
	const first = "/login?next=%2Faccount%2Fsecond-factor"
	v.leads(v.get("/account/second-factor/app"), first)
	v.leads(v.post("/account/second-factor/app", "session", v.session().ID, "setup",
		setupField.FindStringSubmatch(p.body)[1], "code", "123456"), first)
	for _, what := range []string{"codes", "off"} {
		v.leads(v.post("/account/second-factor", "do", what, "session", v.session().ID), first)
	}

	// Who has one has to have used it, wherever they stand in.
	mo := s.enrolled("mo@example.com")
	s.rules(func(r *storage.TenantSettings) { r.SecondFactor.Require = storage.SecondFactorNever })
	time.Sleep(1100 * time.Millisecond) // the tenant's rules are read anew
	w := s.visitor()
	w.leads(w.signIn("mo@example.com", right), "/")
	const second = "/second-factor?next=%2Faccount%2Fsecond-factor"
	for _, what := range []string{"codes", "off"} {
		w.leads(w.does(what), second)
	}
	w.leads(w.get("/account/second-factor/app"), second)
	w.leads(w.get("/account/delete"), "/second-factor?next=%2Faccount%2Fdelete")
	if !hasKind(t, s, mo.user, storage.TOTPCredential) {
		t.Fatal("switched off by the password alone")
	}
	w.get(second)
	w.leads(w.post("/second-factor", "next", "/account/second-factor", "code", mo.shows()), "/account/second-factor")
	if p := w.does("codes"); p.status != http.StatusOK || len(codeText.FindAllString(p.body, -1)) != 10 {
		t.Errorf("new codes: got %d", p.status)
	}
}

// H12: who finds a browser signed in and knows the password does not have the second factor:
// a new password makes nothing of what it opened fresh.
func TestANewPasswordIsNoFreshSecondFactor(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	v := s.visitor()
	v.signIn("jo@example.com", right)
	v.leads(v.post("/second-factor", "code", jo.shows()), "/")
	v.ages(6 * time.Minute)
	v.at("/account/password")
	v.leads(v.post("/account/password", "old_password", right, "password", another), "/account?done=password")
	if got := v.session(); got.ACR != storage.ACRMultiFactor {
		t.Errorf("got session %+v", got)
	}
	v.leads(v.does("off"), "/login?next=%2Faccount%2Fsecond-factor")
	if !hasKind(t, s, jo.user, storage.TOTPCredential) {
		t.Fatal("switched off by the password alone")
	}
}

func TestCodesAreRenewedAndTheFactorIsSwitchedOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	v := s.visitor()
	v.signIn("jo@example.com", right)
	v.leads(v.post("/second-factor", "code", jo.shows(), "remember", "1"), "/")
	p := v.does("codes")
	fresh := codeText.FindAllStringSubmatch(p.body, -1)
	if p.status != http.StatusOK || len(fresh) != 10 {
		t.Fatalf("got %d and %d codes", p.status, len(fresh))
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "New recovery codes") {
		t.Errorf("got mail %q", m.Text)
	}
	w := s.visitor()
	w.signIn("jo@example.com", right)
	if p := w.post("/second-factor", "kind", "recovery", "code", jo.codes[0]); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a code from before: got %d", p.status)
	}
	w.leads(w.post("/second-factor", "kind", "recovery", "code", fresh[0][1]), "/")
	s.mails.Next(t, "jo@example.com")

	v.leads(v.does("off"), "/account/second-factor?done=factor-off")
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "turned off") {
		t.Errorf("got mail %q", m.Text)
	}
	for _, cred := range mustCreds(t, s, jo.user) {
		// What was is kept for a while, in case that it was a thief who switched it off.
		if cred.Kind != storage.PasswordCredential && cred.Kind != storage.FormerTOTPCredential &&
			cred.Kind != storage.FormerRecoveryCredential {
			t.Errorf("%s is still there", cred.Kind)
		}
	}
	x := s.visitor()
	x.leads(x.signIn("jo@example.com", right), "/")
}

// No user is stuck if the rules demand a factor that the user does not have.
func TestWhoNeedsASecondFactorIsLedToSetOneUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.rules(func(r *storage.TenantSettings) { r.SecondFactor.Require = storage.SecondFactorAlways })
	user := s.user("default", "jo@example.com", "", right)
	q := s.ask("", storage.Interaction{})
	v := s.visitor()
	v.get("/login?" + q)
	v.leads(v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right), "/second-factor?"+q)
	v.leads(v.get("/second-factor?"+q), "/second-factor/setup?"+q)
	p := v.get("/second-factor/setup?" + q)
	if !strings.Contains(p.body, "set up two-step verification") || v.cookie("session") != "" {
		t.Error("the page does not say why, or there is a session already")
	}
	jo, done := v.setsUp(user, "/second-factor/setup", p, "i", "letter-1")
	if done.status != http.StatusOK || len(jo.codes) != 10 || !strings.Contains(done.body, `href="/authorize?`+q+`"`) {
		t.Fatalf("got %d, %d codes", done.status, len(jo.codes))
	}
	if got := v.session(); got.ACR != storage.ACRMultiFactor {
		t.Errorf("got session %+v", got)
	}
	// It cannot be switched off again, but replaced.
	if p := v.get("/account/second-factor"); strings.Contains(p.body, `value="off"`) {
		t.Error("the page offers to switch it off")
	}
	if p := v.does("off"); p.status != http.StatusForbidden || !hasKind(t, s, user, storage.TOTPCredential) {
		t.Errorf("switching off: got %d", p.status)
	}
	_, again := v.setsUp(user, "/account/second-factor/app", v.get("/account/second-factor/app"),
		"session", v.session().ID)
	if again.status != http.StatusOK {
		t.Errorf("replacing: got %d", again.status)
	}
	jo.waits()
	w := s.visitor()
	w.signIn("jo@example.com", right)
	if p := w.post("/second-factor", "code", jo.shows()); p.status != http.StatusUnprocessableEntity {
		t.Errorf("the app from before: got %d", p.status)
	}
}

func TestSteppingUpWithoutAFactorSetsOneUpAfterAFreshProof(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	v := s.visitor()
	v.signIn("jo@example.com", right)
	v.ages(time.Hour)
	q := s.ask("", storage.Interaction{ACR: storage.ACRMultiFactor})
	v.leads(v.get("/second-factor?"+q), "/second-factor/setup?"+q)
	v.leads(v.get("/second-factor/setup?"+q), "/login?"+q)
	v.get("/login?" + q)
	v.leads(v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right, "confirm", "1"),
		"/second-factor?"+q)
	_, done := v.setsUp(user, "/second-factor/setup", v.get("/second-factor/setup?"+q), "i", "letter-1")
	if done.status != http.StatusOK || v.session().ACR != storage.ACRMultiFactor {
		t.Errorf("got %d, session %+v", done.status, v.session())
	}
}

// What a page was given for one user, or long ago, sets nothing up.
func TestSecretsToSetUpAreSealed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	mo := s.user("default", "mo@example.com", "", right)
	v := s.visitor()
	v.signIn("jo@example.com", right)
	v.get("/account/second-factor/app")
	app := factor.NewTOTP()
	a := &phone{s, user, app.Text(), nil}
	for name, setup := range map[string]string{
		"none": "", "forged": "AAAA", "another's": s.sealSetup(mo, app, time.Now()),
		"old":              s.sealSetup(user, app, time.Now().Add(-16*time.Minute)),
		"another tenant's": s.login.Secrets.Box("acme", secret.TOTPSetup).SealString([]byte(user.ID)),
		"stored one":       base64.RawURLEncoding.EncodeToString(s.sealTOTP(user, app)),
	} {
		p := v.post("/account/second-factor/app", "session", v.session().ID, "setup", setup, "code", a.shows())
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, "took too long") ||
			hasKind(t, s, user, storage.TOTPCredential) {
			t.Errorf("%s: got %d", name, p.status)
		}
	}
}

func TestAStoredSecretOpensForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.enrolled("jo@example.com"), s.enrolled("mo@example.com")
	cred, err := s.store.Credential(t.Context(), "default", mo.user.ID, storage.TOTPCredential, "")
	if err != nil {
		t.Fatal(err)
	}
	s.change(jo.user, storage.Change{Credentials: []storage.Credential{cred}})
	v := s.visitor()
	v.signIn("jo@example.com", right)
	if p := v.post("/second-factor", "code", mo.shows()); p.leads() != "" || v.cookie("session") != "" {
		t.Errorf("another user's secret signs in: got %d", p.status)
	}
}

// A13: where everybody needs a second factor, one that is there is asked for. Who knows the
// password alone puts none of their own beside it.
func TestNoAppIsSetUpBesideAPasskeyThatIsMissing(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	s.rules(func(r *storage.TenantSettings) { r.SecondFactor.Require = storage.SecondFactorAlways })
	user := s.user("default", "jo@example.com", "", right)
	s.passkey(user, passkeytest.New(t, s.url))
	v := s.visitor()
	v.leads(v.signIn("jo@example.com", right), "/second-factor")
	v.leads(v.get("/second-factor/setup"), "/second-factor")
	secret := factor.NewTOTP()
	a := &phone{s, user, secret.Text(), nil}
	v.leads(v.post("/second-factor/setup", "setup", s.sealSetup(user, secret, time.Now()), "code", a.shows()),
		"/second-factor")
	if hasKind(t, s, user, storage.TOTPCredential) || v.cookie("session") != "" {
		t.Error("an app was set up by the password alone")
	}
	if p := v.get("/second-factor"); p.status != http.StatusOK || !strings.Contains(p.body, `data-passkey="get"`) {
		t.Errorf("got %d, and no question for the passkey", p.status)
	}
}
