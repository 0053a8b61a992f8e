package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestWrongPasskeysHaveOneAnswer is row H4 of the threats.
func TestWrongPasskeysHaveOneAnswer(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	gone := s.user("default", "gone@example.com", "", right)
	if err := s.store.AddTenant(t.Context(), storage.Tenant{ID: "acme", Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	there := s.user("acme", "jo@example.com", "", right)
	device := passkeytest.New(t, s.url)
	s.passkey(jo, device)
	disabled := passkeytest.New(t, s.url)
	s.passkey(gone, disabled)
	gone.Disabled = true
	if err := storagetest.UpdateUser(t.Context(), s.store, gone); err != nil {
		t.Fatal(err)
	}
	foreign := passkeytest.New(t, s.url)
	s.passkey(there, foreign)
	unknown, ghost := passkeytest.New(t, s.url), passkeytest.New(t, s.url)
	unknown.RPID, unknown.UserHandle = "localhost", device.UserHandle
	ghost.RPID, ghost.UserHandle = "localhost", append(slices.Clone(device.UserHandle[:len(device.UserHandle)-1]), 'x')
	forged := passkeytest.New(t, s.url)
	forged.RPID, forged.ID, forged.UserHandle = "localhost", device.ID, device.UserHandle
	forged.Counter = 100
	unverified := *device
	unverified.Verified, unverified.Counter = false, 100

	var want answer
	for name, d := range map[string]*passkeytest.Key{
		"unknown passkey of a user": unknown, "unknown passkey of no user": ghost, "another key": forged,
		"disabled account": disabled, "another tenant's": foreign, "unverified": &unverified,
	} {
		got := s.visitor().usePasskey(d)
		got.body = formField.ReplaceAllString(got.body, "")
		for _, h := range []string{"Date", "Set-Cookie", "X-Request-Id"} {
			got.header.Del(h)
		}
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, english["passkey.wrong"]) {
			t.Fatalf("%s: got %d: %s", name, got.status, got.body)
		}
		if want.status == 0 {
			want = got
		}
		if got.body != want.body || !equalHeaders(got.header, want.header) {
			t.Errorf("%s: another answer: %v\n%s", name, got.header, got.body)
		}
	}
	if got := s.visitor().usePasskey(device); got.leads() != "/" {
		t.Errorf("the right one: %d", got.status)
	}
}

func equalHeaders(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if !slices.Equal(a[k], b[k]) {
			return false
		}
	}
	return true
}

func TestHostileAnswersToAChallenge(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	v := s.visitor()
	v.get("/login")
	c := v.challenge("/login/passkey")
	for _, body := range []string{
		"", "null", "[]", "7", `"x"`, "{", `{"id":[]}`, `{"id":"AA","rawId":"AA","type":"public-key"}`,
		`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"AA",` +
			`"authenticatorData":"AA","signature":"AA"}}`,
		strings.Repeat("[", 10_000), `{"id":"` + strings.Repeat("A", 20_000) + `"}`, "\x00\xff",
	} {
		if got := v.post("/login/passkey", "state", c.State, "answer", body); got.status != http.StatusUnprocessableEntity ||
			!strings.Contains(got.body, english["passkey.wrong"]) {
			t.Errorf("%.40q: got %d", body, got.status)
		}
	}
	if got := v.post("/login/passkey", "state", "", "answer", "{}"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("no state: %d", got.status)
	}
	if got := v.post("/login/passkey", "state", c.State, "answer",
		strings.Repeat("x", 64<<10)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("too much: %d", got.status)
	}
	evil := v.request("/login/passkey", "state", c.State, "answer", "{}")
	evil.Header.Set("Origin", "https://evil.example")
	if got := v.do(evil); got.status != http.StatusForbidden {
		t.Errorf("from another site: %d", got.status)
	}
}

func TestPasskeyGuessesAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, func(c *Config) { c.PerAddress.Max, c.PerAddress.Window = 3, time.Minute })
	jo := s.user("default", "jo@example.com", "", right)
	device := passkeytest.New(t, s.url)
	s.passkey(jo, device)
	v := s.visitor()
	v.get("/login")
	c := v.challenge("/login/passkey")
	for i := range 4 {
		got := v.post("/login/passkey", "state", c.State, "answer", "{}")
		if want := http.StatusUnprocessableEntity; i < 3 && got.status != want {
			t.Errorf("try %d: %d", i, got.status)
		} else if i == 3 && (got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "") {
			t.Errorf("too many: %d", got.status)
		}
	}
	// A right one is no guess, and a password is another matter.
	if got := s.visitor().usePasskey(device); got.leads() != "/" {
		t.Errorf("a right one: %d to %q", got.status, got.location())
	}
	if got := s.visitor().signIn("jo@example.com", right); got.leads() != "/" {
		t.Errorf("a password: %d to %q", got.status, got.location())
	}
}

// BenchmarkWrongPasskeys reports the median time of an answer that names an unknown passkey
// of a user, and of no user: a user's id is a sub that many clients know. Run it with
// -benchtime 200x.
func BenchmarkWrongPasskeys(b *testing.B) {
	s := passkeySite(b, func(c *Config) { c.PerAddress = limit.Rule{Max: 1 << 40, Window: time.Hour} })
	jo := s.user("default", "jo@example.com", "", right)
	device := passkeytest.New(b, s.url)
	s.passkey(jo, device)
	v := s.visitor()
	v.get("/login")
	took := map[string][]time.Duration{}
	for b.Loop() {
		for kind, end := range map[string]byte{"somebody": device.UserHandle[len(device.UserHandle)-1], "nobody": 'x'} {
			unknown := passkeytest.New(b, s.url)
			unknown.RPID, unknown.UserHandle = "localhost",
				append(slices.Clone(device.UserHandle[:len(device.UserHandle)-1]), end)
			c := v.challenge("/login/passkey")
			req := v.request("/login/passkey", "state", c.State, "answer", string(unknown.SignIn(b, c.Options)))
			start := time.Now()
			if p := v.do(req); p.status != http.StatusUnprocessableEntity {
				b.Fatalf("%s: got %d", kind, p.status)
			}
			took[kind] = append(took[kind], time.Since(start))
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), kind+"-µs")
	}
}
