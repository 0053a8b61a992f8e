package argon2id

import (
	"errors"
	"strings"
	"testing"
)

// cheap keeps tests quick; what they show does not depend on the cost.
var cheap = Params{Memory: 64, Time: 1, Threads: 1}

func TestVerify(t *testing.T) {
	t.Parallel()
	h := &Hasher{Params: cheap}
	long := strings.Repeat("x", 72)
	for _, secret := range []string{"", "correct horse", "\x00a", "\x00b", "🐎 battery", "trailing ",
		long + "a", long + "b"} {
		phc, err := h.Hash(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := h.Verify(t.Context(), phc, secret); !ok || err != nil {
			t.Errorf("%q: got %v, %v for its own hash", secret, ok, err)
		}
		for _, other := range []string{secret + " ", "x" + secret, long, strings.ToUpper(secret) + "\x00"} {
			if ok, err := h.Verify(t.Context(), phc, other); ok || err != nil {
				t.Errorf("%q: got %v, %v for the hash of %q", other, ok, err, secret)
			}
		}
		if again, _ := h.Hash(t.Context(), secret); again == phc {
			t.Errorf("%q: hashed twice to the same string: no salt", secret)
		}
	}
}

// TestReferenceVector verifies a hash that the reference implementation's command
// line made: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1.
func TestReferenceVector(t *testing.T) {
	t.Parallel()
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := (&Hasher{}).Verify(t.Context(), phc, "password"); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestNeedsRehash(t *testing.T) {
	t.Parallel()
	old := &Hasher{Params: cheap}
	phc, err := old.Hash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	if old.NeedsRehash(phc) {
		t.Error("with the same parameters: got true")
	}
	for name, h := range map[string]*Hasher{
		"other memory": {Params: Params{128, 1, 1}}, "other time": {Params: Params{64, 2, 1}}, "default": {},
	} {
		if !h.NeedsRehash(phc) {
			t.Errorf("%s: got false", name)
		}
	}
}

func TestHostileParametersAreRefusedBeforeAnyWork(t *testing.T) {
	t.Parallel()
	const salt, key = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	hash := func(params string) string { return "$argon2id$v=19$" + params + "$" + salt + "$" + key }
	h := &Hasher{Pool: NewPool(0, 0)} // work that starts fails with ErrBusy
	for _, phc := range []string{
		"", "$", "$$$$$", "plain", "$2a$10$abcdefghijklmnopqrstuv",
		hash("m=4194304,t=1,p=1"), hash("m=4294967295,t=4294967295,p=255"), hash("m=65536,t=1000,p=1"),
		hash("m=262144,t=5,p=1"), hash("m=65536,t=2,p=17"), hash("m=65536,t=2,p=257"), hash("m=65536,t=0,p=1"),
		hash("m=65536,t=2,p=0"), hash("m=7,t=2,p=1"), hash("m=15,t=2,p=2"), hash("m=0,t=2,p=1"),
		hash("m=-1,t=2,p=1"), hash("m=+65536,t=2,p=1"), hash("m=065536,t=2,p=1"), hash("m=65536,t=2"),
		hash("t=2,m=65536,p=1"),
		hash("m=65536,t=2,p=1,keyid=x"), hash("m=65536, t=2,p=1"), hash("m=6_5536,t=2,p=1"), hash(""),
		strings.Replace(hash("m=65536,t=2,p=1"), "v=19", "v=16", 1),
		strings.Replace(hash("m=65536,t=2,p=1"), "argon2id", "argon2i", 1),
		"$argon2id$m=65536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1$c29t$" + key, "$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$CTFhFdXPJO0",
		hash("m=65536,t=2,p=1") + "=", hash("m=65536,t=2,p=1") + "\n", hash("m=65536,t=2,p=1") + "$",
		hash("m=65536,t=2,p=1") + strings.Repeat("A", 1<<20),
		"x" + hash("m=65536,t=2,p=1"),
	} {
		if ok, err := h.Verify(t.Context(), phc, "password"); ok || !errors.Is(err, ErrMalformed) {
			t.Errorf("%.80q: got %v, %v, want ErrMalformed", phc, ok, err)
		}
	}
	if err := (&Hasher{Params: Params{Memory: 1 << 22, Time: 1, Threads: 1}}).Check(); err == nil {
		t.Error("settings with 4 GiB were taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=1,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parse(s)
		if err != nil {
			return
		}
		if d.String() != s {
			t.Errorf("%q was taken for %q", s, d)
		}
		if err := d.params.check(); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := &Hasher{}
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse battery staple"); err != nil {
			b.Fatal(err)
		}
	}
}
