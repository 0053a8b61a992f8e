package passkey

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

const issuer = "https://id.example.com"

var masters = func() *secret.Masters {
	m, err := secret.Parse(secret.Token())
	if err != nil {
		panic(err)
	}
	return m
}()

func party(t testing.TB, tenant, issuer string) *Party {
	t.Helper()
	p, err := New(tenant, issuer, "Example", masters)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var jo = Person{ID: "01890a5d-ac96-774b-bcce-b302099a8057", Name: "jo@example.com", Display: "Jo Doe"}

// register makes a passkey of Jo's with the device.
func register(t testing.TB, p *Party, device *passkeytest.Key) Passkey {
	t.Helper()
	c, err := p.Create("browser", jo)
	if err != nil {
		t.Fatal(err)
	}
	k, once, err := p.Created("browser", c.State, device.Register(t, c.Options), jo)
	if err != nil {
		t.Fatal(err)
	}
	if once.TenantID != p.tenant || once.Value == "" || once.ExpiresAt.Before(time.Now()) {
		t.Errorf("spends %+v", once)
	}
	data, err := k.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if k, err = Parse(data); err != nil { // as every reader of the record sees it
		t.Fatal(err)
	}
	return k
}

func ask(t testing.TB, p *Party, purpose Purpose, person *Person) Challenge {
	t.Helper()
	c, err := p.Ask(purpose, "browser", person)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// prove lets the device answer, and verifies the answer against k.
func prove(t testing.TB, p *Party, purpose Purpose, c Challenge, k Passkey,
	device *passkeytest.Key,
) (Passkey, Proof, error) {
	t.Helper()
	a, err := p.Open(purpose, "browser", c.State, device.SignIn(t, c.Options))
	if err != nil {
		return k, Proof{}, err
	}
	if a.UserID != jo.ID || a.ID != k.ID() {
		t.Errorf("the answer names %s of %s, want %s of %s", a.ID, a.UserID, k.ID(), jo.ID)
	}
	return a.Verify(jo.ID, k, time.Now())
}

func TestAPasskeySaysWhatItProves(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	for _, c := range []struct {
		name             string
		verified, synced bool
		discoverable     bool
		signsIn          bool
		alone, factor    string // the AMR of each; "" when refused
	}{
		{"in a phone", true, false, true, true, "hwk user mfa", "hwk user mfa"},
		{"in a password manager", true, true, true, true, "swk user mfa", "swk user mfa"},
		{"an old security key", false, false, false, false, "", "hwk"},
		{"one that never asks who holds it", false, true, true, false, "", "swk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			device := passkeytest.New(t, issuer)
			device.Verified, device.Synced, device.Discoverable = c.verified, c.synced, c.discoverable
			k := register(t, p, device)
			if k.SignsIn() != c.signsIn || k.Synced() != c.synced || k.Cloned() {
				t.Errorf("signs in %v, synced %v, cloned %v", k.SignsIn(), k.Synced(), k.Cloned())
			}
			device.Verified = true // a thief of the key may set a PIN later
			mine := jo
			mine.Passkeys = []Passkey{k}
			for _, way := range []struct {
				purpose Purpose
				person  *Person
				want    string
			}{{SignIn, nil, c.alone}, {SignIn, &mine, c.alone}, {Factor, &mine, c.factor}} {
				asked, err := p.Ask(way.purpose, "browser", way.person)
				if err != nil {
					if way.want != "" || !errors.Is(err, ErrWrong) {
						t.Errorf("%s: %v", way.purpose, err)
					}
					continue
				}
				used, proof, err := prove(t, p, way.purpose, asked, k, device)
				if got := strings.Join(proof.AMR(), " "); err == nil && got != way.want {
					t.Errorf("%s: got %q, want %q", way.purpose, got, way.want)
				}
				if (err == nil) != (way.want != "") {
					t.Errorf("%s: %v", way.purpose, err)
				}
				if err == nil && (used.LastUsed.IsZero() || used.Credential.Authenticator.SignCount != device.Counter) {
					t.Errorf("%s: the record says %v, %d", way.purpose, used.LastUsed, used.Credential.Authenticator.SignCount)
				}
			}
		})
	}
}

func TestAnAnswerWithoutVerificationIsNoSecondFactor(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	device := passkeytest.New(t, issuer)
	k := register(t, p, device)
	mine := jo
	mine.Passkeys = []Passkey{k}
	device.Verified = false
	if _, _, err := prove(t, p, SignIn, ask(t, p, SignIn, nil), k, device); !errors.Is(err, ErrWrong) {
		t.Errorf("signs in alone: %v", err)
	}
	if _, proof, err := prove(t, p, Factor, ask(t, p, Factor, &mine), k, device); err != nil || proof.Verified ||
		slices.Contains(proof.AMR(), "mfa") {
		t.Errorf("as a factor: %v, %v", proof.AMR(), err)
	}
}

// TestForgedAnswersAreRefused: each answer has a valid signature and the fault that its name says.
func TestForgedAnswersAreRefused(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	device := passkeytest.New(t, issuer)
	k := register(t, p, device)
	other := passkeytest.New(t, issuer)
	stranger := register(t, p, other)
	mine := jo
	mine.Passkeys = []Passkey{k}
	for name, change := range map[string]func(d *passkeytest.Key){
		"":                           func(d *passkeytest.Key) {},
		"another site":               func(d *passkeytest.Key) { d.Origin = "https://id.example.com.evil.example" },
		"another port":               func(d *passkeytest.Key) { d.Origin = issuer + ":8443" },
		"without TLS":                func(d *passkeytest.Key) { d.Origin = "http://id.example.com" },
		"a page in a frame":          func(d *passkeytest.Key) { d.CrossOrigin = true },
		"another site's key":         func(d *passkeytest.Key) { d.RPID = "example.com" },
		"another challenge":          func(d *passkeytest.Key) { d.Challenge = strings.Repeat("A", 43) },
		"no challenge":               func(d *passkeytest.Key) { d.Challenge = " " },
		"the answer to registration": func(d *passkeytest.Key) { d.Type = "webauthn.create" },
		"a payment":                  func(d *passkeytest.Key) { d.Type = "payment.get" },
		"nobody touched it":          func(d *passkeytest.Key) { d.Absent = true },
		"synced all of a sudden":     func(d *passkeytest.Key) { d.Synced = true },
		"another key": func(d *passkeytest.Key) {
			*d = *other
			d.ID, d.UserHandle = device.ID, device.UserHandle
		},
		"another person's handle": func(d *passkeytest.Key) {
			d.UserHandle = p.handle("01890a5d-ac96-774b-bcce-b302099a8058")
		},
		"another tenant's handle": func(d *passkeytest.Key) { d.UserHandle = party(t, "acme", issuer).handle(jo.ID) },
		"half a handle":           func(d *passkeytest.Key) { d.UserHandle = d.UserHandle[:8] },
		"the counter of before":   func(d *passkeytest.Key) { d.Counter -= 2 },
	} {
		for _, way := range []struct {
			purpose Purpose
			person  *Person
		}{{SignIn, nil}, {SignIn, &mine}, {Factor, &mine}} {
			forged := *device
			forged.Counter += 5
			if strings.HasPrefix(name, "the counter") {
				forged.Counter = device.Counter
			}
			change(&forged)
			c := ask(t, p, way.purpose, way.person)
			a, err := p.Open(way.purpose, "browser", c.State, forged.SignIn(t, c.Options))
			if err == nil {
				_, _, err = a.Verify(jo.ID, k, time.Now())
			}
			if name == "" && err != nil || name != "" && !errors.Is(err, ErrWrong) {
				t.Errorf("%s of %v, %q: %v", way.purpose, way.person != nil, name, err)
			}
		}
	}

	c := ask(t, p, SignIn, &mine)
	a, err := p.Open(SignIn, "browser", c.State, other.SignIn(t, c.Options))
	if err == nil {
		_, _, err = a.Verify(jo.ID, stranger, time.Now())
	}
	if !errors.Is(err, ErrWrong) {
		t.Errorf("a passkey that was not asked for: %v", err)
	}
}

func TestStatesOpenWhereTheyBelong(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	device := passkeytest.New(t, issuer)
	k := register(t, p, device)
	mine := jo
	mine.Passkeys = []Passkey{k}
	c := ask(t, p, Factor, &mine)
	answer := device.SignIn(t, c.Options)
	for name, try := range map[string]func() error{
		"another purpose": func() error { _, err := p.Open(SignIn, "browser", c.State, answer); return err },
		"another browser": func() error { _, err := p.Open(Factor, "other", c.State, answer); return err },
		"no browser":      func() error { _, err := p.Open(Factor, "", c.State, answer); return err },
		"another tenant": func() error {
			_, err := party(t, "acme", issuer).Open(Factor, "browser", c.State, answer)
			return err
		},
		"a changed state": func() error { _, err := p.Open(Factor, "browser", c.State[1:], answer); return err },
		"no state":        func() error { _, err := p.Open(Factor, "browser", "", answer); return err },
		"no answer":       func() error { _, err := p.Open(Factor, "browser", c.State, nil); return err },
		"two answers": func() error {
			_, err := p.Open(Factor, "browser", c.State, slices.Concat(answer, answer))
			return err
		},
		"as a new passkey": func() error { _, _, err := p.Created("browser", c.State, answer, jo); return err },
		"of another person": func() error {
			asked, err := p.Create("browser", jo)
			if err != nil {
				return err
			}
			_, _, err = p.Created("browser", asked.State, passkeytest.New(t, issuer).Register(t, asked.Options),
				Person{ID: "other", Name: "x"})
			return err
		},
	} {
		if err := try(); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Open(Factor, "browser", c.State, answer); err != nil {
		t.Error(err)
	}
}

func TestChallengesLapse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := party(t, "default", issuer)
		device := passkeytest.New(t, issuer)
		k := register(t, p, device)
		c := ask(t, p, SignIn, nil)
		time.Sleep(Life - time.Second)
		if _, _, err := prove(t, p, SignIn, c, k, device); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if _, err := p.Open(SignIn, "browser", c.State, device.SignIn(t, c.Options)); !errors.Is(err, ErrLate) {
			t.Error(err)
		}
	})
}

func TestACopiedPasskeyIsMarkedAndNeverProvesAnything(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	device := passkeytest.New(t, issuer)
	k := register(t, p, device)
	thief := *device
	k, _, err := prove(t, p, SignIn, ask(t, p, SignIn, nil), k, device)
	if err != nil {
		t.Fatal(err)
	}
	marked, proof, err := prove(t, p, SignIn, ask(t, p, SignIn, nil), k, &thief)
	if !errors.Is(err, ErrCloned) || !errors.Is(err, ErrWrong) || proof != (Proof{}) {
		t.Fatalf("the copy: %v, %v", proof, err)
	}
	if !marked.Cloned() || marked.SignsIn() {
		t.Error("the record does not say so")
	}
	device.Counter += 10
	if _, _, err := prove(t, p, SignIn, ask(t, p, SignIn, nil), marked, device); !errors.Is(err, ErrWrong) {
		t.Errorf("the original, from then on: %v", err)
	}
	mine := jo
	mine.Passkeys = []Passkey{marked}
	if _, err := p.Ask(Factor, "browser", &mine); !errors.Is(err, ErrWrong) {
		t.Errorf("asked for: %v", err)
	}
}

func TestPasskeysWithoutCounterAreUsedAgainAndAgain(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	device := passkeytest.New(t, issuer)
	device.Synced, device.Counter = true, 0
	k := register(t, p, device)
	for range 3 {
		var err error
		if k, _, err = prove(t, p, SignIn, ask(t, p, SignIn, nil), k, device); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnIssuerNeedsAHostName(t *testing.T) {
	t.Parallel()
	for issuer, ok := range map[string]bool{
		"https://id.example.com": true, "http://localhost:8080": true, "https://id.example.com/t/acme": true,
		"http://127.0.0.1:8080": false, "http://[::1]:8080": false, "https://": false,
	} {
		if _, err := New("default", issuer, "x", masters); (err == nil) != ok || !ok && !errors.Is(err, ErrNoHost) {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

func TestDamagedRecordsAreErrors(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "{", "[]", `{"credential":7}`} {
		if _, err := Parse([]byte(data)); err == nil {
			t.Errorf("%q was taken", data)
		}
	}
}

// FuzzOpen feeds what a browser sends to an open challenge.
func FuzzOpen(f *testing.F) {
	p := party(f, "default", issuer)
	device := passkeytest.New(f, issuer)
	k := register(f, p, device)
	c := ask(f, p, SignIn, nil)
	f.Add(device.SignIn(f, c.Options))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		a, err := p.Open(SignIn, "browser", c.State, answer)
		if err == nil {
			_, _, _ = a.Verify(jo.ID, k, time.Now())
		} else if !errors.Is(err, ErrWrong) && !errors.Is(err, ErrLate) {
			t.Error(err)
		}
	})
}
