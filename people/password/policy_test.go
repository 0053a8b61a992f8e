package password

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/people/password/strength"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	p := &Policy{MinScore: MinScore}
	about := []string{"jo.example-smith@mail.example.com", "jo_the_great", "Jo Lindqvist"}
	for _, test := range []struct {
		password string
		want     error
	}{
		{"", ErrTooShort}, {"kX9#mQ2", ErrTooShort}, {"ééééééé", ErrTooShort}, {"e\u0301e\u0301e\u0301e\u0301", ErrTooShort},
		{strings.Repeat(rand.Text(), 40)[:MaxLength], nil}, {strings.Repeat("x", MaxLength+1), ErrTooLong},
		{strings.Repeat("x", 10<<20), ErrTooLong},
		{"jo.example-smith@mail.example.com", ErrIsName}, {"JO.Example-Smith", ErrIsName}, {"mail.example.com", ErrIsName},
		{"Jo_The_Great", ErrIsName},
		{"lindqvist", ErrIsName}, {"LINDQVIST", ErrIsName}, {"lindqvist1", ErrWeak}, {"Lindqvist2024", ErrWeak},
		{"password", ErrCommon}, {"12345678", ErrCommon}, {"Password1", ErrCommon}, {"iloveyou", ErrCommon},
		{"QWERTYUIOP", ErrCommon}, {"spongebob", ErrCommon},
		{"P@ssw0rd!", ErrWeak}, {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ErrWeak}, {"abcdefghijklmnop", ErrWeak},
		{"drowssapdrowssap", ErrWeak}, {"        ", ErrWeak},
		// No rules on what it is of.
		{"kx9mq2vp", nil}, {"purple elephant", nil}, {"correct horse battery staple", nil}, {"🐎🔋🧷✅🎻🪁🧲🦔", nil},
		{"nul\x00 in the middle", nil}, {"  spaces around  ", nil},
		{"зелёный трактор", nil}, {"not utf-8 \xff\xfe\xfd", nil},
	} {
		if got := p.Check(t.Context(), test.password, about...); !errors.Is(got, test.want) {
			t.Errorf("%.40q: got %v, want %v", test.password, got, test.want)
		}
	}
	if err := (&Policy{MinLength: 15}).Check(t.Context(), "kx9mq2vp kx9mq"); !errors.Is(err, ErrTooShort) ||
		!strings.Contains(err.Error(), "15") {
		t.Errorf("at least 15: got %v", err)
	}
	if err := (&Policy{MinLength: 1}).Check(t.Context(), "kx9mq2v"); !errors.Is(err, ErrTooShort) {
		t.Errorf("less than the least: got %v", err)
	}
	if err := (&Policy{}).Check(t.Context(), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"); err != nil {
		t.Errorf("without a score: got %v", err)
	}
}

// The set of common passwords takes one of 16,384 others for one of its own. A user whose
// long random password is such a one is not told that attackers try it first.
func TestARandomPasswordIsNotCommon(t *testing.T) {
	t.Parallel()
	taken := 0
	for i := 0; taken < 3; i++ {
		sum := sha256.Sum256([]byte(strconv.Itoa(i)))
		random := base64.RawURLEncoding.EncodeToString(sum[:15]) // 20 characters
		if !strength.Common(random) {
			continue
		}
		taken++
		if err := (&Policy{MinScore: MinScore}).Check(t.Context(), random); err != nil {
			t.Errorf("%s: got %v", random, err)
		}
	}
}
