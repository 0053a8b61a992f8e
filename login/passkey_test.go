package login

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// passkeySite has a name, without which there are no passkeys.
func passkeySite(t testing.TB, change func(*Config)) *site {
	t.Helper()
	return startAt(t, "http", "localhost", change)
}

// passkey gives the user a passkey in the device.
func (s *site) passkey(u storage.User, device *passkeytest.Key) passkey.Passkey {
	s.t.Helper()
	path := ""
	if u.TenantID != storage.DefaultTenant {
		path = "/t/" + u.TenantID
	}
	party, err := passkey.New(u.TenantID, s.url+path, "Test", s.login.Secrets)
	if err != nil {
		s.t.Fatal(err)
	}
	person := passkey.Person{ID: u.ID, Name: u.Email}
	c, err := party.Create("test", person)
	if err != nil {
		s.t.Fatal(err)
	}
	key, _, err := party.Created("test", c.State, device.Register(s.t, c.Options), person)
	if err != nil {
		s.t.Fatal(err)
	}
	now := time.Now()
	cred := storage.Credential{TenantID: u.TenantID, UserID: u.ID, Kind: storage.PasskeyCredential, ID: key.ID(),
		Data: s.sealPasskey(u.TenantID, key), CreatedAt: now, UpdatedAt: now}
	if err := s.store.PutCredential(s.t.Context(), cred, nil); err != nil {
		s.t.Fatal(err)
	}
	return key
}

// storedPasskey is the passkey as it is kept.
func (s *site) storedPasskey(u storage.User, id string) passkey.Passkey {
	s.t.Helper()
	cred, err := s.store.Credential(s.t.Context(), u.TenantID, u.ID, storage.PasskeyCredential, id)
	if err != nil {
		s.t.Fatal(err)
	}
	keys := s.keysIn([]storage.Credential{cred})
	if len(keys) != 1 {
		s.t.Fatal("the passkey cannot be read")
	}
	return keys[0]
}

// challenge asks for one as the page's script does.
func (v *visitor) challenge(path string) passkey.Challenge {
	v.t.Helper()
	got := v.get(path)
	var c passkey.Challenge
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" ||
		json.Unmarshal([]byte(got.body), &c) != nil || c.State == "" {
		v.t.Fatalf("challenge of %s: %d %s", path, got.status, got.body)
	}
	return c
}

// usePasskey opens the sign-in page and answers it with the device.
func (v *visitor) usePasskey(device *passkeytest.Key, fields ...string) answer {
	v.t.Helper()
	v.get("/login?other=1")
	c := v.challenge("/login/passkey")
	return v.post("/login/passkey",
		append([]string{"state", c.State, "answer", string(device.SignIn(v.t, c.Options))}, fields...)...)
}

func TestAPasskeySignsIn(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	device := passkeytest.New(t, s.url)
	key := s.passkey(jo, device)
	v := s.visitor()
	if got := v.usePasskey(device); got.leads() != "/" {
		t.Fatalf("got %d to %q: %s", got.status, got.location(), got.body)
	}
	sessions, err := s.store.SessionsOf(t.Context(), "default", jo.ID, time.Now())
	if err != nil || len(sessions) != 1 {
		t.Fatalf("%v, %v", sessions, err)
	}
	if amr := sessions[0].AMR; !slices.Equal(amr, []string{"hwk", "user", "mfa"}) {
		t.Errorf("amr %q", amr)
	}
	if used := s.storedPasskey(jo, key.ID()); used.Credential.Authenticator.SignCount != device.Counter ||
		used.LastUsed.IsZero() {
		t.Errorf("the record was not kept: counter %d, used %v", used.Credential.Authenticator.SignCount, used.LastUsed)
	}

	q := s.ask("", storage.Interaction{})
	device.Counter++
	if got := s.visitor().usePasskey(device, "i", strings.TrimPrefix(q, "i=")); got.location() != "/authorize?"+q {
		t.Errorf("with a client's request: got %d to %q", got.status, got.location())
	}
}

// TestAPasskeyConfirmsWhoIsThere is step-up: the page asks for a passkey of the account
// that is signed in, and takes no other's.
func TestAPasskeyConfirmsWhoIsThere(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo, al := s.user("default", "jo@example.com", "", right), s.user("default", "al@example.com", "", right)
	device, other := passkeytest.New(t, s.url), passkeytest.New(t, s.url)
	v := s.visitor()
	v.signIn("jo@example.com", right)
	q := s.ask("", storage.Interaction{})
	s.passkey(al, other)
	if got := v.get("/login?" + q); strings.Contains(got.body, "data-passkey") {
		t.Error("a passkey is asked of a user who has none")
	}
	s.passkey(jo, device)
	if got := v.get("/login?" + q); !strings.Contains(got.body, `data-passkey="get"`) ||
		strings.Contains(got.body, "data-autofill") {
		t.Errorf("the page does not ask for their passkey: %s", got.body)
	}
	c := v.challenge("/login/passkey?confirm=1")
	if !strings.Contains(string(c.Options), "allowCredentials") {
		t.Errorf("any passkey is asked for: %s", c.Options)
	}
	i := strings.TrimPrefix(q, "i=")
	if got := v.post("/login/passkey", "i", i, "confirm", "1", "state", c.State, "answer",
		string(other.SignIn(t, c.Options))); got.status != http.StatusUnprocessableEntity {
		t.Errorf("another user's passkey: %d to %s", got.status, got.location())
	}
	free := v.challenge("/login/passkey")
	if got := v.post("/login/passkey", "i", i, "confirm", "1", "state", free.State, "answer",
		string(other.SignIn(t, free.Options))); got.status != http.StatusUnprocessableEntity {
		t.Errorf("another user's passkey for anybody's challenge: %d to %s", got.status, got.location())
	}
	if got := v.post("/login/passkey", "i", i, "confirm", "1", "state", c.State, "answer",
		string(device.SignIn(t, c.Options))); got.location() != "/authorize?"+q {
		t.Errorf("their own: %d to %q: %s", got.status, got.location(), got.body)
	}
}

// TestAPasskeysAnswerWorksOnce sends one twenty times at once.
func TestAPasskeysAnswerWorksOnce(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	device := passkeytest.New(t, s.url)
	device.Synced, device.Counter = true, 0 // without a counter only the challenge tells
	s.passkey(jo, device)
	v := s.visitor()
	v.get("/login")
	c := v.challenge("/login/passkey")
	body := string(device.SignIn(t, c.Options))
	var wg sync.WaitGroup
	outcomes := make([]string, 20)
	for i := range outcomes {
		req := v.request("/login/passkey", "state", c.State, "answer", body)
		wg.Go(func() {
			resp, err := v.client.Do(req)
			if err == nil {
				outcomes[i] = s.outcome(resp)
			}
		})
	}
	wg.Wait()
	slices.Sort(outcomes)
	if slices.Index(outcomes, "422") != 1 || outcomes[0] != "/" || outcomes[19] != "422" {
		t.Errorf("got %v, want one / and 422 for the rest", outcomes)
	}
	// A thief who reads the answer has another browser.
	thief := s.visitor()
	thief.get("/login")
	c = v.challenge("/login/passkey")
	if got := thief.post("/login/passkey", "state", c.State, "answer",
		string(device.SignIn(t, c.Options))); got.status != http.StatusUnprocessableEntity {
		t.Errorf("in another browser: %d", got.status)
	}
}

func TestManyDevicesWithOnePasskeySignInAtOnce(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	device := passkeytest.New(t, s.url)
	device.Synced, device.Counter = true, 0
	s.passkey(jo, device)
	var wg sync.WaitGroup
	for range 2 {
		v := s.visitor()
		v.get("/login")
		c := v.challenge("/login/passkey")
		req := v.request("/login/passkey", "state", c.State, "answer", string(device.SignIn(t, c.Options)))
		wg.Go(func() {
			resp, err := v.client.Do(req)
			if err != nil {
				t.Error(err)
			} else if got := s.outcome(resp); got != "/" {
				t.Errorf("got %s", got)
			}
		})
	}
	wg.Wait()
}

func TestACopiedPasskeyIsShutOut(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	device := passkeytest.New(t, s.url)
	key := s.passkey(jo, device)
	thief := *device
	if got := s.visitor().usePasskey(device); got.leads() != "/" {
		t.Fatal(got.status)
	}
	if got := s.visitor().usePasskey(&thief); got.status != http.StatusUnprocessableEntity {
		t.Errorf("the copy: %d", got.status)
	}
	if !s.storedPasskey(jo, key.ID()).Cloned() {
		t.Error("no event noted it")
	}
	device.Counter = 50
	if got := s.visitor().usePasskey(device); got.status != http.StatusUnprocessableEntity {
		t.Errorf("the original, which may be the copy: %d", got.status)
	}
	if !slices.ContainsFunc(s.events("default"), func(e storage.Event) bool {
		return e.Kind == "passkey.copied" && e.UserID == jo.ID
	}) {
		t.Error("the audit trail does not say so")
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "A copy of your passkey") {
		t.Errorf("the mail says %q", m.Text)
	}
}

func TestPasskeysAreOfferedWhereTheyWork(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	v := s.visitor()
	page := v.get("/login")
	if !strings.Contains(page.body, `autocomplete="username webauthn"`) ||
		!strings.Contains(page.body, `data-autofill hidden`) {
		t.Errorf("the page does not offer them: %s", page.body)
	}
	if csp := page.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp,
		"; script-src 'self'; connect-src 'self'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if csp := v.get("/signout").header.Get("Content-Security-Policy"); strings.Contains(csp, "connect-src") {
		t.Errorf("a page whose script sends nothing may send: %q", csp)
	}

	for name, other := range map[string]*visitor{
		"no host name": newSite(t, nil).visitor(),
		"not among the methods": func() *visitor {
			tenant := storage.Tenant{ID: "acme", Name: "Acme"}
			tenant.Settings.SignIn.Methods = []string{storage.MethodPassword}
			if err := s.store.AddTenant(t.Context(), tenant); err != nil {
				t.Fatal(err)
			}
			v := s.visitor()
			v.base = "/t/acme"
			return v
		}(),
	} {
		page := other.get("/login")
		if strings.Contains(page.body, "webauthn") || strings.Contains(page.body, "passkey") ||
			strings.Contains(page.header.Get("Content-Security-Policy"), "connect-src") {
			t.Errorf("%s: %s", name, page.body)
		}
		if got := other.get("/login/passkey"); got.status != http.StatusNotFound {
			t.Errorf("%s: a challenge: %d", name, got.status)
		}
		if got := other.post("/login/passkey", "state", "x", "answer", "{}"); got.status != http.StatusNotFound {
			t.Errorf("%s: an answer: %d", name, got.status)
		}
	}
}

// TestPasskeysAlone is a tenant whose users sign in by nothing else: the page has no
// field without a use, and tells a user who cannot use the button why.
func TestPasskeysAlone(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	s.rules(func(t *storage.TenantSettings) { t.SignIn.Methods = []string{storage.MethodPasskey} })
	jo := s.user("default", "jo@example.com", "", "")
	device := passkeytest.New(t, s.url)
	s.passkey(jo, device)
	page := s.visitor().get("/login").body
	if strings.Contains(page, `name="login"`) || strings.Contains(page, `name="password"`) ||
		!strings.Contains(page, "data-without-passkeys>"+english["passkey.needed"]) {
		t.Errorf("the page: %s", page)
	}
	if got := s.visitor().usePasskey(device); got.leads() != "/" {
		t.Errorf("signing in: %d", got.status)
	}
}
