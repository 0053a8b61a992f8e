package factor

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/typed"
)

// shared is a secret that every worker has.
var shared = append(make([]byte, 8), "12345678901234567890"...)

// FuzzCodes: whatever is typed proves the app only when it comes to the digits that the
// app shows, and a recovery code only when it is one of the user's; either works once.
// What is stored is read as it was written (E3).
func FuzzCodes(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	totp, err := ParseTOTP(shared)
	if err != nil {
		f.Fatal(err)
	}
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		f.Fatal(err)
	}
	box := masters.Box("default", secret.RecoveryCodes)
	var shown []string
	for step := now.Unix()/30 - tolerance; step <= now.Unix()/30+tolerance; step++ {
		code, err := hotp.GenerateCode(totp.Text(), uint64(step))
		if err != nil {
			f.Fatal(err)
		}
		shown = append(shown, code)
		f.Add(code, shared)
		f.Add(code[:3]+"\u00a0"+code[3:], shared)
		f.Add(code+"\x00", shared[1:])
	}
	for _, s := range []string{"", "000000", "\uff10\uff11\uff12\uff13\uff14\uff15", "0000000000000", "１２３４５６",
		"0000-0000-0000", "oooo-iiii-llll", "\xff"} {
		f.Add(s, shared)
	}
	f.Add("", []byte{}) // every recovery code was used
	f.Fuzz(func(t *testing.T, code string, stored []byte) {
		if after, ok := totp.Use(code, now); ok {
			if c := typed.Code(code); c != shown[0] && c != shown[1] && c != shown[2] {
				t.Errorf("%q passes for one of %v", code, shown)
			}
			if _, ok := after.Use(code, now); ok {
				t.Errorf("%q works twice", code)
			}
		}
		if p, err := ParseTOTP(stored); err == nil && !bytes.Equal(p.Bytes(), stored) {
			t.Errorf("%x comes back as %x", stored, p.Bytes())
		}
		codes, r := NewRecovery("jo")
		if _, ok := r.Use("jo", code); ok {
			t.Errorf("%q passes for one of %v", code, codes)
		}
		for name, stored := range map[string][]byte{"as it is": stored, "sealed": box.Seal(stored)} {
			if p, err := OpenRecovery(box, stored); err == nil {
				if again, err := OpenRecovery(box, p.Seal(box)); err != nil || !sameRecovery(again, p) {
					t.Errorf("%s: %x comes back as %v, %v", name, stored, again, err)
				}
			}
		}
	})
}

// sameRecovery reports whether a and b hold the same keys and the same codes in the same order.
func sameRecovery(a, b Recovery) bool {
	return slices.EqualFunc(a.keys, b.keys, bytes.Equal) && slices.EqualFunc(a.macs, b.macs, bytes.Equal)
}
