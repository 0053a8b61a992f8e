package password

import (
	"slices"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

// waste returns how long a wrong password takes with each of the hashes, as a median. The hashes
// take turns, so that other load on the machine affects all of them.
func waste(t *testing.T, h *Hasher, hashes map[string][]byte, wrong string) map[string]time.Duration {
	t.Helper()
	took := map[string][]time.Duration{}
	for range 15 {
		for name, stored := range hashes {
			start := time.Now()
			if ok, _, err := h.Verify(t.Context(), stored, wrong); ok || err != nil {
				t.Fatalf("%s: got %v, %v", name, ok, err)
			}
			took[name] = append(took[name], time.Since(start))
		}
	}
	medians := map[string]time.Duration{}
	for name, all := range took {
		slices.Sort(all)
		medians[name] = all[len(all)/2]
	}
	return medians
}

// TestWrongPasswordsTakeAsLong: for a hash with the costs of before, lower or higher, for a hash of
// another product, and without a hash. Without the measure, they would differ by a factor of four.
func TestWrongPasswordsTakeAsLong(t *testing.T) {
	t.Parallel()
	small, large := argon2id.Params{Memory: 4 << 10, Time: 2, Threads: 1},
		argon2id.Params{Memory: 16 << 10, Time: 2, Threads: 1}
	hash := func(p argon2id.Params) []byte {
		stored, err := hasher(t, p).Hash(t.Context(), "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		return stored
	}
	md5, err := Import("$P$984478476IagS59wHZvyQMArzfx58u.")
	if err != nil {
		t.Fatal(err)
	}
	hashes := map[string][]byte{"nobody": nil, "small": hash(small), "large": hash(large), "another product's": md5}
	for name, now := range map[string]argon2id.Params{"raised": large, "lowered": small,
		"lowered, with an accent": small} {
		wrong := "wrong battery horse"
		if name == "lowered, with an accent" { // which has two spellings
			wrong = "wrong b\u00e1ttery horse"
		}
		for try := 0; ; try++ {
			h := hasher(t, now)
			h.Learn(hashes["large"])
			took := waste(t, h, hashes, wrong)
			least, most := time.Hour, time.Duration(0)
			for _, d := range took {
				least, most = min(least, d), max(most, d)
			}
			if most < 2*least {
				break
			}
			if try == 3 { // a busy machine is not busy in the same way four times
				t.Errorf("%s: got %v", name, took)
				break
			}
		}
	}
}

// TestDearHashesMakeOthersDearWithinABound: otherwise an import of expensive hashes would let every
// guess cost seconds.
func TestDearHashesMakeOthersDearWithinABound(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap)
	own := h.costs.own
	if got := h.costs.dearest(); got != own {
		t.Errorf("got %d, want %d", got, own)
	}
	h.costs.uses("a", 3*own)
	h.costs.uses("b", 2*own)
	if got := h.costs.dearest(); got != 3*own {
		t.Errorf("got %d, want that of the dearest, %d", got, 3*own)
	}
	h.costs.uses("c", 100*own)
	if got := h.costs.dearest(); got != dearestTimes*own {
		t.Errorf("got %d, want at most %d", got, dearestTimes*own)
	}
	for i := range 1000 {
		h.costs.uses(string(rune(i+1000)), 2*own)
	}
	if n := len(h.costs.kinds); n > maxKinds {
		t.Errorf("%d kinds are kept", n)
	}
	// A slow measurement is forgotten once the hash turns out to be faster.
	h = hasher(t, cheap)
	h.costs.took(own, time.Millisecond)
	h.costs.tookOther("d", 3*time.Millisecond)
	h.costs.tookOther("d", 2*time.Millisecond)
	if got := h.costs.dearest(); got < 2*own-1 || got > 2*own+1 {
		t.Errorf("got %d, want %d", got, 2*own)
	}
}

func TestKindOfAHash(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1": "$argon2id$v=19$m=65536,t=2,p=1",
		"$2b$12$abcdefghijklmnopqrstuv":                          "$2b$12",
		"$pbkdf2-sha256$i=29000$c2FsdA$a2V5":                     "$pbkdf2-sha256$i=29000",
		"$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0":                     "$P$9",
		"$6$rounds=20000$abc$def":                                "$6$rounds=20000",
		"$wp$2y$10$C8TzDZ4who5nozh9Ly117O":                       "$wp$2y$10",
		"bcrypt_sha256$$2b$12$Dqt61eVOMWAcUBlG6oiOPe":            "bcrypt_sha256$$2b$12",
		"{SSHA}KUVgkGMSYDD6Th3ZrF8Q2wjIF3Jp7b23":                 "{SSHA}",
		"$S$DxyzABC127kiZqQJ5z.NLDUHbO0TaPzvAZKIw3":              "$S$D",
		"U$S$DxyzABC127kiZqQJ5z.NLDUHbO0TaPzvAZKIw3":             "U$S$D",
		"": "",
	} {
		if got := kindOf(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
