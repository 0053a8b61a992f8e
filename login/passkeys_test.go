package login

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// addPasskey makes a passkey on the account's page.
func (v *visitor) addPasskey(device *passkeytest.Key, name string) answer {
	v.t.Helper()
	session := v.sessionField("/account/passkeys")
	c := v.challenge("/account/passkeys/options")
	return v.post("/account/passkeys", "session", session, "state", c.State, "answer",
		string(device.Register(v.t, c.Options)), "name", name)
}

// sessionField opens a page of the account and gives the session that its forms name.
func (v *visitor) sessionField(path string) string {
	v.t.Helper()
	_, rest, ok := strings.Cut(v.at(path).body, `name="session" value="`)
	if !ok {
		v.t.Fatalf("%s names no session", path)
	}
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func (s *site) passkeysOf(u storage.User) []passkey.Passkey {
	s.t.Helper()
	creds, err := s.store.CredentialsOf(s.t.Context(), u.TenantID, u.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.keysIn(creds)
}

func TestAPasskeyIsAddedNamedUsedAndRemoved(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	v := s.signedIn("jo")
	device := passkeytest.New(t, s.url)
	if got := v.addPasskey(device, "  My\u202e phone\x00 "); got.location() != "/account/passkeys?done=passkey-added" {
		t.Fatalf("add: %d to %q: %s", got.status, got.location(), got.body)
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "A passkey was added: My phone.") {
		t.Errorf("the mail says %q", m.Text)
	}
	keys := s.passkeysOf(jo)
	if len(keys) != 1 || keys[0].Name != "My phone" {
		t.Fatalf("stored %+v", keys)
	}
	creds, err := s.store.Credential(t.Context(), "default", jo.ID, storage.PasskeyCredential, keys[0].ID())
	if err != nil || strings.Contains(string(creds.Data), "My phone") {
		t.Errorf("the record can be read: %v", err)
	}
	if got := v.at("/account/passkeys"); !strings.Contains(got.body, "<b>My phone</b>") ||
		strings.Contains(got.body, english["passkeys.second_step"]) {
		t.Errorf("the page: %s", got.body)
	}
	if got := v.at("/account"); !strings.Contains(got.body, "1 passkey") {
		t.Error("the account page does not count it")
	}

	id, session := keys[0].ID(), v.sessionField("/account/passkeys")
	if got := v.post("/account/data", "session", session); !strings.Contains(got.body, `"name": "My phone"`) {
		t.Errorf("the download does not name it: %d %s", got.status, got.body)
	}
	if got := v.post("/account/passkeys", "session", session, "rename", id, "name",
		strings.Repeat("ä", 61)); got.status != http.StatusUnprocessableEntity ||
		!strings.Contains(got.body, `id="fault-`+id+`"`) {
		t.Errorf("a long name: %d %s", got.status, got.body)
	}
	if got := v.post("/account/passkeys", "session", session, "rename", id, "name",
		`<b onclick="x">&`); got.leads() != "/account/passkeys?done=passkey-named" {
		t.Errorf("rename: %d", got.status)
	}
	if got := v.at("/account/passkeys"); !strings.Contains(got.body, "&lt;b onclick=&#34;x&#34;&gt;&amp;") {
		t.Errorf("the name is not shown as it was typed: %s", got.body)
	}
	if got := s.visitor().usePasskey(device); got.leads() != "/" {
		t.Errorf("it does not sign in: %d", got.status)
	}
	if got := v.post("/account/passkeys", "session", session, "remove",
		id); got.location() != "/account/passkeys?done=passkey-removed" {
		t.Errorf("remove: %d %s", got.status, got.body)
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "A passkey was removed: <b onclick") {
		t.Errorf("the mail says %q", m.Text)
	}
	if got := s.visitor().usePasskey(device); got.status != http.StatusUnprocessableEntity {
		t.Errorf("it signs in after it was removed: %d", got.status)
	}
	if got := v.post("/account/passkeys", "session", session, "remove", id); got.status != http.StatusNotFound {
		t.Errorf("removed twice: %d", got.status)
	}
	for _, kind := range []string{"passkey.added", "passkey.removed"} {
		if s.count(kind) != 1 {
			t.Errorf("%d events %s", s.count(kind), kind)
		}
	}
}

// TestPasskeysWantAFreshProof is row H12.
func TestPasskeysWantAFreshProof(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	v := s.signedIn("jo")
	device, late := passkeytest.New(t, s.url), passkeytest.New(t, s.url)
	v.addPasskey(device, "")
	session := v.sessionField("/account/passkeys")
	c := v.challenge("/account/passkeys/options")
	s.age(jo, people.Freshness+time.Second)
	want := "/login?next=%2Faccount%2Fpasskeys"
	for _, path := range []string{"/account/passkeys", "/account/passkeys/options"} {
		if got := v.get(path); got.location() != want {
			t.Errorf("%s: %d to %q", path, got.status, got.location())
		}
	}
	if got := v.post("/account/passkeys", "session", session, "remove",
		s.passkeysOf(jo)[0].ID()); got.location() != want || len(s.passkeysOf(jo)) != 1 {
		t.Errorf("remove: %d to %q", got.status, got.location())
	}
	// What was begun with a fresh proof is finished.
	if got := v.post("/account/passkeys", "session", session, "state", c.State, "answer",
		string(late.Register(t, c.Options))); got.leads() != "/account/passkeys?done=passkey-added" ||
		len(s.passkeysOf(jo)) != 2 {
		t.Errorf("the end of what began in time: %d", got.status)
	}
	// A passkey is a fresh proof too, and leads back.
	v.get("/login?next=/account/passkeys")
	c = v.challenge("/login/passkey?confirm=1")
	if got := v.post("/login/passkey", "confirm", "1", "next", "/account/passkeys", "state", c.State, "answer",
		string(device.SignIn(t, c.Options))); got.location() != "/account/passkeys" {
		t.Errorf("a proof by passkey: %d to %q", got.status, got.location())
	}
	v.at("/account/passkeys")
}

// TestOthersPasskeysAreOutOfReach is row H14.
func TestOthersPasskeysAreOutOfReach(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo, al := s.user("default", "jo@example.com", "jo", right), s.user("default", "al@example.com", "al", right)
	device := passkeytest.New(t, s.url)
	key := s.passkey(jo, device)
	v := s.signedIn("al")
	session := v.sessionField("/account/passkeys")
	for _, field := range []string{"remove", "rename"} {
		if got := v.post("/account/passkeys", "session", session, field, key.ID(), "name",
			"mine"); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", field, got.status)
		}
	}
	if keys := s.passkeysOf(jo); len(keys) != 1 || keys[0].Name != "" {
		t.Errorf("changed: %+v", keys)
	}
	// A challenge that jo was given adds nothing to al, nor the other way round.
	hers := s.signedIn("jo")
	hers.at("/account/passkeys")
	c := hers.challenge("/account/passkeys/options")
	if got := v.post("/account/passkeys", "session", session, "state", c.State, "answer",
		string(passkeytest.New(t, s.url).Register(t, c.Options))); got.status != http.StatusUnprocessableEntity ||
		len(s.passkeysOf(al)) != 0 {
		t.Errorf("another's challenge: %d", got.status)
	}
	// The id of jo's passkey, claimed by al, does not get in jo's way.
	claimed := passkeytest.New(t, s.url)
	claimed.ID = device.ID
	v.addPasskey(claimed, "")
	if got := s.visitor().usePasskey(device); got.leads() != "/" {
		t.Errorf("jo's own: %d", got.status)
	}
	if got := s.visitor().usePasskey(claimed); got.leads() != "/" || len(s.sessionsOf(al)) != 2 {
		t.Errorf("al's signed in %d, with %d sessions", got.status, len(s.sessionsOf(al)))
	}
}

func TestTheLastWayInStays(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", "")
	one, two, old := passkeytest.New(t, s.url), passkeytest.New(t, s.url), passkeytest.New(t, s.url)
	old.Verified = false // a second step, and no way in
	first, second, third := s.passkey(jo, one), s.passkey(jo, two), s.passkey(jo, old)
	v := s.visitor()
	v.usePasskey(one)
	session := v.sessionField("/account/passkeys")

	// Both at once: one goes, the other stays.
	var wg sync.WaitGroup
	for _, id := range []string{first.ID(), second.ID()} {
		req := v.request("/account/passkeys", "session", session, "remove", id)
		wg.Go(func() {
			resp, err := v.client.Do(req)
			if err == nil {
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	keys := s.passkeysOf(jo)
	if len(keys) != 2 {
		t.Fatalf("%d passkeys are left, want 2", len(keys))
	}
	last := keys[0]
	if last.ID() == third.ID() {
		last = keys[1]
	}
	if got := v.post("/account/passkeys", "session", session, "remove", last.ID()); got.status != http.StatusConflict ||
		!strings.Contains(got.body, english["passkeys.last"]) {
		t.Errorf("the last one: %d", got.status)
	}
	if got := v.post("/account/passkeys", "session", session, "remove",
		third.ID()); got.leads() != "/account/passkeys?done=passkey-removed" {
		t.Errorf("one that is no way in: %d", got.status)
	}
	hash, err := s.hasher.Hash(t.Context(), right)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := s.store.PutCredential(t.Context(),
		storage.Credential{TenantID: "default", UserID: jo.ID, Kind: storage.PasswordCredential, Data: hash, CreatedAt: now,
			UpdatedAt: now}, nil); err != nil {
		t.Fatal(err)
	}
	if got := v.post("/account/passkeys", "session", session, "remove",
		last.ID()); got.leads() != "/account/passkeys?done=passkey-removed" {
		t.Errorf("with a password beside it: %d", got.status)
	}
}

func TestWrongNewPasskeysAreRefused(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	v := s.signedIn("jo")
	session := v.sessionField("/account/passkeys")
	device := passkeytest.New(t, s.url)
	device.Origin = "https://evil.example"
	if got := v.addPasskey(device, ""); got.status != http.StatusUnprocessableEntity ||
		!strings.Contains(got.body, english["passkeys.failed"]) {
		t.Errorf("made for another site: %d", got.status)
	}
	device.Origin = s.url
	c := v.challenge("/account/passkeys/options")
	body := string(device.Register(t, c.Options))
	for i, want := range []string{"/account/passkeys", "422"} { // the challenge is spent
		if got := v.post("/account/passkeys", "session", session, "state", c.State, "answer", body); got.outcome() != want {
			t.Errorf("time %d: %s", i, got.outcome())
		}
	}
	if got := v.addPasskey(device, ""); got.status != http.StatusUnprocessableEntity {
		t.Errorf("the same passkey again: %d", got.status)
	}
	for range people.MaxPasskeys - 1 {
		s.passkey(jo, passkeytest.New(t, s.url))
	}
	if got := v.addPasskey(passkeytest.New(t, s.url), ""); got.status != http.StatusUnprocessableEntity ||
		!strings.Contains(got.body, "Remove one first") {
		t.Errorf("too many: %d", got.status)
	}
	if len(s.passkeysOf(jo)) != people.MaxPasskeys {
		t.Errorf("%d passkeys", len(s.passkeysOf(jo)))
	}
}

// TestAStrangersPasskeyIsVoid is rows G8 and G9: an attacker signs up with another user's address,
// adds a passkey, and waits.
func TestAStrangersPasskeyIsVoid(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "", "stranger danger strange")
	device := passkeytest.New(t, s.url)
	s.passkey(jo, device)
	s.resets("jo@example.com", "purple walrus umbrella")
	if got := s.visitor().usePasskey(device); got.status != http.StatusUnprocessableEntity {
		t.Errorf("the stranger is in: %d", got.status)
	}
}

// TestAnUnreadablePasskeyHindersNoSignIn: its master secret is gone.
func TestAnUnreadablePasskeyHindersNoSignIn(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	device := passkeytest.New(t, s.url)
	key := s.passkey(jo, device)
	cred, err := s.store.Credential(t.Context(), "default", jo.ID, storage.PasskeyCredential, key.ID())
	if err != nil {
		t.Fatal(err)
	}
	was := cred.Data
	cred.Data = []byte("sealed with another secret")
	if err := s.store.PutCredential(t.Context(), cred, was); err != nil {
		t.Fatal(err)
	}
	if got := s.visitor().usePasskey(device); got.status != http.StatusUnprocessableEntity {
		t.Errorf("signing in with it: %d", got.status)
	}
	v := s.signedIn("jo")
	if got := v.at("/account/passkeys"); !strings.Contains(got.body, english["passkeys.broken"]) {
		t.Errorf("the page: %s", got.body)
	}
	if got := v.post("/account/passkeys", "session", v.sessionField("/account/passkeys"), "remove",
		key.ID()); got.leads() != "/account/passkeys?done=passkey-removed" {
		t.Errorf("removing it: %d", got.status)
	}
}
