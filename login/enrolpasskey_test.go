package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// makes answers the challenge of a page, to which more belongs, with a new passkey in the device.
func (v *visitor) makes(device *passkeytest.Key, page string, more ...string) answer {
	v.t.Helper()
	path, _, _ := strings.Cut(page, "?")
	c := v.challenge(page)
	return v.post(path, append([]string{"state", c.State, "answer", string(device.Register(v.t, c.Options))}, more...)...)
}

// TestAPasskeyIsOfferedFirstAsASecondFactor, before an authenticator app. It comes with recovery codes, and is asked
// for from then on.
func TestAPasskeyIsOfferedFirstAsASecondFactor(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	v, elsewhere := s.signedIn("jo@example.com"), s.signedIn("jo@example.com")
	const page = "/account/second-factor"
	p := v.at(page)
	key, app := strings.Index(p.body, `data-passkey="create"`), strings.Index(p.body, page+"/app")
	if key < 0 || app < key || !strings.Contains(p.body, `<li data-with-passkeys hidden>`) {
		t.Errorf("the page offers a passkey at %d, hidden without scripts, and an app at %d", key, app)
	}
	if p := v.post(page+"/passkey", "state", "x", "answer", "{}"); p.status != http.StatusUnprocessableEntity ||
		alertOf(p) != english["passkeys.failed"] || hasKind(t, s, jo, storage.RecoveryCredential) {
		t.Errorf("an answer that no page asked for: got %d, %q", p.status, alertOf(p))
	}
	device := passkeytest.New(t, s.url)
	done := v.seesCodes(v.makes(device, page+"/passkey"))
	if n := len(codeText.FindAllString(done.body, -1)); done.status != http.StatusOK || n != 10 {
		t.Fatalf("got %d and %d recovery codes", done.status, n)
	}
	if got := v.session(); got.ACR != storage.ACRMultiFactor || !slices.Equal(got.AMR, []string{"pwd", "pop", "mfa"}) {
		t.Errorf("got session %+v", got)
	}
	if p := elsewhere.get("/account"); p.leads() != toSignIn {
		t.Errorf("a session with less goes on: got %d to %q", p.status, p.leads())
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "Two-step verification was turned on") {
		t.Errorf("got mail %q", m.Text)
	}
	if p := v.at(page); strings.Contains(p.body, `data-passkey="create"`) ||
		!strings.Contains(p.body, english["factors.passkeys_on"]) {
		t.Error("the page offers a passkey to a user who has one")
	}
	w := s.visitor()
	w.leads(w.signIn("jo@example.com", right), "/second-factor")
	w.leads(w.confirm(device, ""), "/")
}

// TestAPasskeyAsASecondFactorNeedsAFreshSignIn: a browser that was left alone gets no challenge, and an answer from
// another browser does nothing.
func TestAPasskeyAsASecondFactorNeedsAFreshSignIn(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	v, other := s.signedIn("jo@example.com"), s.signedIn("jo@example.com")
	const door = "/account/second-factor/passkey"
	other.at("/account/second-factor")
	c, device := other.challenge(door), passkeytest.New(t, s.url)
	v.at("/account/second-factor")
	if p := v.post(door, "state", c.State, "answer",
		string(device.Register(t, c.Options))); p.status != http.StatusUnprocessableEntity {
		t.Errorf("an answer to another browser: got %d to %q", p.status, p.leads())
	}
	v.ages(2 * time.Hour)
	v.leads(v.get(door), "/login?next=%2Faccount%2Fsecond-factor")
	v.leads(v.post(door, "state", "x", "answer", "{}"), "/login?next=%2Faccount%2Fsecond-factor")
	if len(s.passkeysOf(jo)) != 0 {
		t.Error("a passkey was stored")
	}
}

// TestAForcedSecondFactorCanBeAPasskey, which is offered before an app, and leads on to the client.
func TestAForcedSecondFactorCanBeAPasskey(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	s.rules(func(r *storage.TenantSettings) { r.SecondFactor.Require = storage.SecondFactorAlways })
	jo := s.user("default", "jo@example.com", "", right)
	q := s.ask("", storage.Interaction{})
	const page, door, letter = "/second-factor/setup", "/second-factor/setup/passkey", "letter-1"
	stranger := s.visitor()
	stranger.get("/login")
	stranger.leads(stranger.get(door), "/login")
	stranger.leads(stranger.post(door, "state", "x", "answer", "{}"), "/login")

	v := s.visitor()
	v.get("/login?" + q)
	v.leads(v.post("/login", "i", letter, "login", "jo@example.com", "password", right), "/second-factor?"+q)
	v.leads(v.get("/second-factor?"+q), page+"?"+q)
	p := v.get(page + "?" + q)
	key, app := strings.Index(p.body, `data-passkey="create"`), strings.Index(p.body, "app=1")
	if key < 0 || app < key || v.cookie("session") != "" {
		t.Errorf("the page offers a passkey at %d and an app at %d", key, app)
	}
	if p := v.get(page + "?app=1&" + q); !strings.Contains(p.body, `name="setup"`) {
		t.Error("an app can't be chosen")
	}
	if p := v.post(door, "i", letter, "state", "x", "answer", "{}"); p.status != http.StatusUnprocessableEntity ||
		alertOf(p) != english["passkeys.failed"] || v.cookie("session") != "" {
		t.Errorf("an answer that no page asked for: got %d, %q", p.status, alertOf(p))
	}
	device := passkeytest.New(t, s.url)
	c := v.challenge(door + "?" + q)
	v.challenge(door + "?" + q) // a page that asks again, in another tab, does not void what the device signs
	form := []string{"i", letter, "state", c.State, "answer", string(device.Register(t, c.Options))}
	done := v.seesCodes(v.post(door, form...))
	if len(codeText.FindAllString(done.body, -1)) != 10 || !strings.Contains(done.body, `href="/authorize?`+q+`"`) {
		t.Fatalf("got %d: %s", done.status, done.body)
	}
	if got := v.session(); got.ACR != storage.ACRMultiFactor || !slices.Equal(got.AMR, []string{"pwd", "pop", "mfa"}) {
		t.Errorf("got session %+v", got)
	}
	v.leads(v.post(door, form...), "/second-factor?"+q) // sent twice: there is a factor already
	if n := len(s.passkeysOf(jo)); n != 1 {
		t.Errorf("%d passkeys are stored", n)
	}
	w := s.visitor()
	w.leads(w.signIn("jo@example.com", right), "/second-factor")
	w.leads(w.get(door), "/second-factor") // a user who has one is asked for it first
	w.leads(w.confirm(device, ""), "/")
}

// TestPasskeysThatAreNotOfferedAreNoSecondFactor: at an address without a name, or where the tenant has none.
func TestPasskeysThatAreNotOfferedAreNoSecondFactor(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	if p := v.at("/account/second-factor"); strings.Contains(p.body, "data-passkey") {
		t.Error("the page offers a passkey")
	}
	if p := v.get("/account/second-factor/passkey"); p.status != http.StatusNotFound {
		t.Errorf("a challenge: got %d", p.status)
	}
}
