package passkey

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
)

// moved returns a passkey of another product, and what that product exports of it.
func moved(t *testing.T) (*passkeytest.Key, Moved) {
	t.Helper()
	device := passkeytest.New(t, issuer)
	device.RPID, device.UserHandle = "id.example.com", []byte("f6d0a1b2-another-product")
	return device, Moved{ID: device.ID, PublicKey: device.PublicKey(t), Handle: device.UserHandle, SignCount: 1,
		Verified: true}
}

// imported returns the passkey as it is read from storage.
func imported(t *testing.T, m Moved) Passkey {
	t.Helper()
	k, err := m.Import()
	if err != nil {
		t.Fatal(err)
	}
	data, err := k.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if k, err = Parse(data); err != nil {
		t.Fatal(err)
	}
	return k
}

// answer returns what the passkey answers to a page that does not know the user.
func answerOf(t *testing.T, p *Party, purpose Purpose, person *Person, device *passkeytest.Key) *Answer {
	t.Helper()
	c := ask(t, p, purpose, person)
	a, err := p.Open(purpose, "browser", c.State, device.SignIn(t, c.Options))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A passkey that another product made signs in under its own user handle. Its first answer says whether it is synced;
// from then on that must stay.
func TestPasskeysOfAnotherProductSignIn(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	for _, synced := range []bool{false, true} {
		device, m := moved(t)
		device.Synced = synced
		k := imported(t, m)
		a := answerOf(t, p, SignIn, nil, device)
		if a.UserID != "" || !a.IsOf(k) {
			t.Fatalf("the answer is of %q, and of the passkey: %v", a.UserID, a.IsOf(k))
		}
		if _, _, err := a.Verify(jo.ID, k, time.Now()); !errors.Is(err, ErrWrong) {
			t.Errorf("before the user is known: %v", err)
		}
		a.UserID = jo.ID
		used, proof, err := a.Verify(jo.ID, k, time.Now())
		if err != nil || !proof.Verified || proof.Synced != synced || used.Unseen {
			t.Fatalf("synced %v: got %+v, %v", synced, proof, err)
		}
		if strings.Join(proof.AMR(), " ") == "" || used.Credential.Authenticator.SignCount != device.Counter {
			t.Errorf("got %+v", used)
		}
		mine := jo
		mine.Passkeys = []Passkey{used}
		a = answerOf(t, p, Factor, &mine, device)
		if _, _, err := a.Verify(jo.ID, used, time.Now()); err != nil {
			t.Errorf("as a second factor: %v", err)
		}
		device.Synced = !synced
		a = answerOf(t, p, Factor, &mine, device)
		if _, _, err := a.Verify(jo.ID, used, time.Now()); !errors.Is(err, ErrWrong) {
			t.Errorf("once it is synced %v: %v", !synced, err)
		}
	}
}

// Only the user handle that the product exported leads to the passkey, and one that is not known to have verified its
// owner stays a second factor.
func TestPasskeysOfAnotherProductAreNotTakenForOthers(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	device, m := moved(t)
	k := imported(t, m)
	for name, handle := range map[string][]byte{"another": []byte("another"), "none": nil,
		"part of it": device.UserHandle[:5], "of a user here": p.handle(jo.ID)} {
		other := *device
		other.UserHandle = handle
		if a := answerOf(t, p, SignIn, nil, &other); a.IsOf(k) {
			t.Errorf("%s: it is taken for the passkey", name)
		}
	}
	ours := register(t, p, passkeytest.New(t, issuer))
	without := *device
	without.UserHandle, without.ID = nil, ours.Credential.ID
	if answerOf(t, p, SignIn, nil, &without).IsOf(ours) {
		t.Error("a passkey made here is found by no handle")
	}
	m.Verified = false
	k = imported(t, m)
	mine := jo
	mine.Passkeys = []Passkey{k}
	if _, err := p.Ask(SignIn, "browser", &mine); !errors.Is(err, ErrWrong) || k.SignsIn() {
		t.Errorf("it signs in alone: %v, %v", k.SignsIn(), err)
	}
	a := answerOf(t, p, Factor, &mine, device)
	if _, proof, err := a.Verify(jo.ID, k, time.Now()); err != nil || proof.Verified {
		t.Errorf("as a second factor: %+v, %v", proof, err)
	}
}

func TestDamagedPasskeysOfAnotherProductAreRefused(t *testing.T) {
	t.Parallel()
	_, good := moved(t)
	for name, damage := range map[string]func(m *Moved){
		"no id":        func(m *Moved) { m.ID = nil },
		"long id":      func(m *Moved) { m.ID = make([]byte, 1024) },
		"no key":       func(m *Moved) { m.PublicKey = nil },
		"half a key":   func(m *Moved) { m.PublicKey = m.PublicKey[:40] },
		"no COSE key":  func(m *Moved) { m.PublicKey = []byte("\x04 raw point") },
		"long handle":  func(m *Moved) { m.Handle = make([]byte, 65) },
		"short AAGUID": func(m *Moved) { m.AAGUID = make([]byte, 15) },
	} {
		m := good
		damage(&m)
		if _, err := m.Import(); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}
