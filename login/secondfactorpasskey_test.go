package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// confirm answers the page that asks for a second factor with the device.
func (v *visitor) confirm(device *passkeytest.Key, query string, fields ...string) answer {
	v.t.Helper()
	v.at("/second-factor?" + query)
	c := v.challenge("/second-factor/passkey?" + query)
	return v.post("/second-factor/passkey",
		append([]string{"state", c.State, "answer", string(device.SignIn(v.t, c.Options))}, fields...)...)
}

// withKey adds a user with a password and, as the second factor, a security key that is too old to
// verify its owner.
func (s *site) withKey(email string) (storage.User, *passkeytest.Key) {
	s.t.Helper()
	u := s.user("default", email, "", right)
	device := passkeytest.New(s.t, s.url)
	device.Verified, device.Discoverable = false, false
	s.passkey(u, device)
	device.UserHandle = nil // such keys do not keep it
	return u, device
}

func TestPasskeysAsSecondFactorAreSwitchedOn(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo, device := s.withKey("jo@example.com")
	v := s.visitor()
	v.leads(v.signIn("jo@example.com", right), "/")
	if p := v.at("/account/second-factor"); !strings.Contains(p.body, english["factors.passkeys_add"]) {
		t.Errorf("the page does not offer it: %s", p.body)
	}
	if p := v.does("codes"); p.status != http.StatusOK || len(codeText.FindAllString(p.body, -1)) != 10 {
		t.Fatalf("switching it on: %d", p.status)
	}

	w := s.visitor()
	q := s.ask("", storage.Interaction{})
	w.get("/login?" + q)
	i := strings.TrimPrefix(q, "i=")
	w.leads(w.post("/login", "i", i, "login", "jo@example.com", "password", right), "/second-factor?"+q)
	if w.cookie("session") != "" {
		t.Error("a session before the second factor")
	}
	page := w.at("/second-factor?" + q)
	if !strings.Contains(page.body, english["passkey.factor"]) || strings.Contains(page.body, `name="code"`) ||
		!strings.Contains(page.body, english["factor.use_recovery"]) {
		t.Errorf("the page: %s", page.body)
	}
	w.leads(w.confirm(device, q, "i", i), "/authorize?"+q)
	sessions := s.sessionsOf(jo)
	j := slices.IndexFunc(sessions, func(s storage.Session) bool { return slices.Contains(s.AMR, "hwk") })
	if j < 0 || !slices.Equal(sessions[j].AMR, []string{"pwd", "hwk", "mfa"}) ||
		sessions[j].ACR != storage.ACRPhishingResistantHardware {
		t.Errorf("sessions %+v", sessions)
	}

	// Without it, with a recovery code.
	x := s.visitor()
	x.leads(x.signIn("jo@example.com", right), "/second-factor")
	if p := x.at("/second-factor?recovery=1"); !strings.Contains(p.body, `name="kind" value="recovery"`) {
		t.Errorf("recovery: %s", p.body)
	}

	// Taking the key away needs it, and switches the factor off.
	key := s.passkeysOf(jo)[0]
	y := s.visitor()
	y.leads(y.signIn("jo@example.com", right), "/second-factor")
	y.leads(y.confirm(device, "", "remember", "1"), "/")
	y.get("/signout")
	y.post("/signout")
	y.leads(y.signIn("jo@example.com", right), "/") // remembered
	y.leads(y.get("/account/passkeys"), "/second-factor?next=%2Faccount%2Fpasskeys")
	y.leads(y.get("/account/passkeys/options"), "/second-factor?next=%2Faccount%2Fpasskeys")
	y.leads(y.post("/account/passkeys", "session", y.session().ID, "remove", key.ID()),
		"/second-factor?next=%2Faccount%2Fpasskeys")
	y.leads(y.confirm(device, "next=/account/passkeys", "next", "/account/passkeys"), "/account/passkeys")
	y.leads(y.post("/account/passkeys", "session", y.sessionField("/account/passkeys"), "remove", key.ID()),
		"/account/passkeys?done=passkey-removed")
	for _, kind := range []string{storage.RecoveryCredential, storage.DeviceCredential} {
		if hasKind(t, s, jo, kind) {
			t.Errorf("%s is left of a second factor that is gone", kind)
		}
	}
}

// TestTheSecondFactorIsTheirOwn: another user's passkey, an answer to another question, or
// one that came before, raise no session.
func TestTheSecondFactorIsTheirOwn(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	s.rules(func(t *storage.TenantSettings) { t.SecondFactor.Require = storage.SecondFactorAlways })
	_, device := s.withKey("jo@example.com")
	al, other := s.withKey("al@example.com")
	strong := passkeytest.New(t, s.url)
	s.passkey(al, strong)
	v := s.visitor()
	v.leads(v.signIn("jo@example.com", right), "/second-factor")
	v.at("/second-factor")
	for name, p := range map[string]answer{
		"another's key":           v.confirm(other, ""),
		"another's that signs in": v.confirm(strong, ""),
	} {
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, english["passkey.wrong"]) {
			t.Errorf("%s: %d to %s", name, p.status, p.location())
		}
	}
	first := v.challenge("/login/passkey") // of the sign-in page: for any user
	if p := v.post("/second-factor/passkey", "state", first.State, "answer",
		string(strong.SignIn(t, first.Options))); p.status != http.StatusUnprocessableEntity {
		t.Errorf("an answer to the sign-in page: %d to %s", p.status, p.location())
	}
	second := v.challenge("/second-factor/passkey")
	if p := v.post("/login/passkey", "state", second.State, "answer",
		string(device.SignIn(t, second.Options))); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a second factor signs in alone: %d to %s", p.status, p.location())
	}
	answer := string(device.SignIn(t, second.Options))
	v.leads(v.post("/second-factor/passkey", "state", second.State, "answer", answer), "/")
	w := s.visitor()
	w.leads(w.signIn("jo@example.com", right), "/second-factor")
	w.at("/second-factor")
	if p := w.post("/second-factor/passkey", "state", second.State, "answer",
		answer); p.status != http.StatusUnprocessableEntity {
		t.Errorf("an answer of before, elsewhere: %d to %s", p.status, p.location())
	}
	stranger := s.visitor()
	stranger.get("/login")
	stranger.leads(stranger.get("/second-factor/passkey"), "/second-factor")
	stranger.leads(stranger.post("/second-factor/passkey", "state", second.State, "answer", answer), "/second-factor")
}

// TestStepUpByPasskey: a client asks for more than a password.
func TestStepUpByPasskey(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo, device := s.withKey("jo@example.com")
	v := s.visitor()
	v.leads(v.signIn("jo@example.com", right), "/")
	before := v.session()
	q := s.ask("", storage.Interaction{ACR: storage.ACRPhishingResistantHardware})
	v.leads(v.confirm(device, q, "i", strings.TrimPrefix(q, "i=")), "/authorize?"+q)
	if after := v.session(); after.ID != before.ID || after.ACR != storage.ACRPhishingResistantHardware ||
		len(s.sessionsOf(jo)) != 1 {
		t.Errorf("the session became %+v", after)
	}
}

// TestTheSecondFactorInChromium is the page in a real browser, with scripts and without.
func TestTheSecondFactorInChromium(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	s.rules(func(t *storage.TenantSettings) { t.SecondFactor.Require = storage.SecondFactorAlways })
	jo := s.user("default", "jo@example.com", "", right)
	device := passkeytest.New(t, s.url)
	device.Transport = "internal"
	s.passkey(jo, device)
	c := &chrome{s, chromiumtest.New(t)}
	without(t, c.ctx, noAutofill)
	id := chromiumtest.Authenticator(t, c.ctx, nil)
	c.plug(id, &webauthn.Credential{CredentialID: device.ID, IsResidentCredential: true, RpID: "localhost",
		PrivateKey: device.Private(t), UserHandle: device.UserHandle, SignCount: 5})
	chromiumtest.Script(t, c.ctx, false)
	c.open("/login")
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("form button.primary")
	c.sees(english["factor.title"])
	if c.shows(".passkey button") || !c.shows("[data-without-passkeys]") {
		t.Error("a dead button without scripts, or no word about it")
	}
	c.picture("second-factor-passkey-without-scripts")
	chromiumtest.Script(t, c.ctx, true)
	c.open("/second-factor")
	if c.shows("[data-without-passkeys]") {
		t.Error("the page asks for another browser")
	}
	c.picture("second-factor-passkey")
	c.press(".passkey button")
	c.arrives("/account")
	if sessions := s.sessionsOf(jo); len(sessions) != 1 || sessions[0].AMR[0] != "pwd" ||
		time.Since(sessions[0].AuthTime) > time.Minute {
		t.Errorf("%+v", sessions)
	}
}
