package people

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// withSecrets is a Service that can make and judge marks.
func withSecrets(t testing.TB) *Service {
	t.Helper()
	masters, err := secret.Parse(strings.Repeat("a", 32))
	if err != nil {
		t.Fatal(err)
	}
	return &Service{Secrets: masters}
}

func askerAt(tenant string) *Asker {
	return &Asker{Tenant: &issuer.Tenant{Tenant: storage.Tenant{ID: tenant}}}
}

func TestDevicesAreKnownForTheirAccounts(t *testing.T) {
	t.Parallel()
	s := withSecrets(t)
	known := func(a *Asker, user string) (device string, ok bool) { return s.known(*a, user) }
	remember := func(a *Asker, user string) { a.Kept.Known = s.mark(*a, user, anyAccount) }
	a := askerAt("default")
	if _, ok := known(a, "jo"); ok {
		t.Error("a new device is known")
	}
	remember(a, "jo")
	remember(a, "mo")
	first, ok := known(a, "jo")
	second, ok2 := known(a, "mo")
	if !ok || !ok2 || first != second || first == "" {
		t.Errorf("got %q, %v and %q, %v", first, ok, second, ok2)
	}
	if _, ok := known(a, "ko"); ok {
		t.Error("known for an account that it never signed in to")
	}
	size := len(a.Kept.Known)
	remember(a, "mo")
	if len(a.Kept.Known) != size {
		t.Error("an account is remembered twice")
	}
	for _, u := range strings.Split("abcdefghijklmno", "") {
		remember(a, u)
	}
	if _, ok := known(a, "mo"); !ok {
		t.Error("the sixteenth account back is forgotten")
	}
	if _, ok := known(a, "jo"); ok {
		t.Error("the seventeenth account back is remembered")
	}

	// That it signed in somewhere is known, too.
	if id, ok := known(a, anyAccount); !ok || id != first {
		t.Errorf("a device that signed in: got %q, %v", id, ok)
	}
	if _, ok := known(askerAt("default"), anyAccount); ok {
		t.Error("a new device has signed in")
	}
	forged := askerAt("default")
	forged.Kept.Known = strings.Repeat("a", 43) + "." + strings.Repeat("a", 43)
	if _, ok := known(forged, anyAccount); ok {
		t.Error("a made-up value is one of ours")
	}

	// Neither another device's proof nor another tenant's counts.
	thief := askerAt("default")
	remember(thief, "thief")
	id, _, _ := strings.Cut(thief.Kept.Known, ".")
	_, marks, _ := strings.Cut(a.Kept.Known, ".")
	thief.Kept.Known = id + "." + marks
	if _, ok := known(thief, "mo"); ok {
		t.Error("proofs work beside another device's id")
	}
	other := askerAt("acme")
	other.Kept = a.Kept
	if _, ok := known(other, "mo"); ok {
		t.Error("proofs work at another tenant")
	}
}

// FuzzMarks: no value that Vouchsafe did not make is known for an account; and whatever a device sends, what
// it is given fits what browsers keep, and is known.
func FuzzMarks(f *testing.F) {
	s := withSecrets(f)
	id, mac := strings.Repeat("i", 43), strings.Repeat("m", 43)
	for _, v := range []string{
		"", id, id + "." + mac, id + strings.Repeat("."+mac, 20), id + "." + strings.Repeat("x", 6000), id + "..",
		id + "." + mac + "\xff",
		"0190\x00." + id + ".1", `"` + id + `"`,
	} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		a := askerAt("default")
		a.Kept.Known = value
		if _, known := s.known(*a, "jo"); known {
			t.Fatalf("%q is known", value)
		}
		a.Kept.Known = s.mark(*a, "jo", anyAccount)
		if len(a.Kept.Known) > 4000 {
			t.Errorf("%.80q: a browser keeps no cookie of %d bytes", value, len(a.Kept.Known))
		}
		if _, known := s.known(*a, "jo"); !known {
			t.Errorf("%.80q: the device that jo signed in with is not known", value)
		}
	})
}

// FuzzRemembered: of any value come few tokens, each of the form that was given out; written
// again they are the same, and fit what a browser keeps.
func FuzzRemembered(f *testing.F) {
	one := strings.Repeat("i", 36) + "." + strings.Repeat("s", 43)
	for _, value := range []string{"", one, one + "~" + one, strings.Repeat(one+"~", 40), "~~~", strings.Repeat(".", 100),
		one + ".x", strings.Repeat("~", 4000)} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		held := parseRemembered(value)
		if len(held) > maxRemembered {
			t.Errorf("%d devices", len(held))
		}
		written := joinRemembered(held)
		if len(written) > 4000 {
			t.Errorf("a browser keeps no cookie of %d bytes", len(written))
		}
		again := parseRemembered(written)
		if len(again) != len(held) {
			t.Errorf("%q: of %d devices come back %d", value, len(held), len(again))
		}
		for id, token := range held {
			if again[id] != token {
				t.Errorf("%q comes back as %q", token, again[id])
			}
		}
	})
}
