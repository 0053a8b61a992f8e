package password

import (
	"errors"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

var cheap = argon2id.Params{Memory: 64, Time: 1, Threads: 1}

func hasher(t *testing.T, p argon2id.Params) *Hasher {
	t.Helper()
	h, err := New(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestVerify(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap)
	long := strings.Repeat("x", 72)
	for _, pair := range [][2]string{
		{long + "a", long + "b"}, {"nul\x00one", "nul\x00two"}, {"trailing space ", "trailing space"},
		{"Case Matters", "case matters"}, {"🐎 battery", "🐴 battery"}, {"not utf-8 \xff", "not utf-8 \xfe"}, {"", " "},
	} {
		stored, err := h.Hash(t.Context(), pair[0])
		if err != nil {
			t.Fatal(err)
		}
		if ok, outdated, err := h.Verify(t.Context(), stored, pair[0]); !ok || outdated || err != nil {
			t.Errorf("%q: got %v, %v, %v for its own hash", pair[0], ok, outdated, err)
		}
		if ok, _, err := h.Verify(t.Context(), stored, pair[1]); ok || err != nil {
			t.Errorf("%q: got %v, %v for the hash of %q", pair[1], ok, err, pair[0])
		}
		if _, outdated, _ := hasher(t, argon2id.Params{Memory: 128, Time: 1, Threads: 1}).Verify(t.Context(),
			stored, pair[0]); !outdated {
			t.Errorf("%q: not outdated after the parameters changed", pair[0])
		}
	}
}

func TestKeyboardsMayComposeOrNot(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap)
	stored, err := h.Hash(t.Context(), "caf\u00e9 cr\u00e8me")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.Verify(t.Context(), stored, "cafe\u0301 cre\u0300me"); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestNothingVerifiesWithoutAReadableHash(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap)
	if ok, _, err := h.Verify(t.Context(), nil, "secret"); ok || err != nil {
		t.Errorf("no hash: got %v, %v", ok, err)
	}
	for _, stored := range []string{"", "secret", "$2a$10$x"} {
		if ok, _, err := h.Verify(t.Context(), []byte(stored), "secret"); ok || !errors.Is(err, argon2id.ErrMalformed) {
			t.Errorf("%q: got %v, %v", stored, ok, err)
		}
	}
}

func TestLengthIsRefusedBeforeHashing(t *testing.T) {
	t.Parallel()
	// This pool accepts no work, so that a hash that is attempted fails.
	h, err := New(cheap, argon2id.NewPool(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{MaxLength + 1, 1 << 20, 10 << 20} {
		long := strings.Repeat("x", n)
		if _, err := h.Hash(t.Context(), long); !errors.Is(err, ErrTooLong) {
			t.Errorf("hash of %d bytes: got %v", n, err)
		}
		if _, _, err := h.Verify(t.Context(), nil, long); !errors.Is(err, ErrTooLong) {
			t.Errorf("verify of %d bytes: got %v", n, err)
		}
	}
}
