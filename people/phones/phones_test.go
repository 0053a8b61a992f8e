package phones

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		regions []string
		want    string
		err     error
	}{
		{"+49 170 1234567", nil, "+491701234567", nil},
		{" +49 (0)170 / 123-45-67 ", nil, "+491701234567", nil},
		{"0170 1234567", []string{"DE", "AT"}, "+491701234567", nil},
		{"0049 170 1234567", []string{"DE"}, "+491701234567", nil},
		{"+43 664 1234567", []string{"DE", "AT"}, "+436641234567", nil},
		{"+1 201 555 0123", nil, "+12015550123", nil},
		{"＋４９ １７０ １２３４５６７", nil, "+491701234567", nil},
		{"tel:+49-170-1234567", nil, "+491701234567", nil},
		{"0170 1234567", nil, "", ErrNumber},
		{"+33 6 12 34 56 78", []string{"DE", "AT"}, "", ErrRegion},
		{"+49 30 12345678", nil, "", ErrKind},  // a fixed line
		{"+49 900 1 123456", nil, "", ErrKind}, // premium rate
		{"+800 1234 5678", nil, "", ErrKind},
		{"+49 170 1234567 ext. 5", nil, "", ErrNumber},
		{"+49 170", nil, "", ErrNumber},
		{"", nil, "", ErrNumber},
		{"jo@example.com", nil, "", ErrNumber},
		{"+999 123456789", nil, "", ErrNumber},
		{"+491701234567\r\nBcc: x", nil, "", ErrNumber},
		{"+49170'; DROP TABLE users", nil, "", ErrNumber},
		{strings.Repeat("+4917012345671", 100000), nil, "", ErrNumber},
	} {
		if got, err := Parse(c.text, c.regions); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%.40q in %v: got %q, %v, want %q, %v", c.text, c.regions, got, err, c.want, c.err)
		}
	}
	if !IsRegion("DE") || IsRegion("XX") || IsRegion("de") {
		t.Error("countries are taken for others")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("+49 170 1234567")
	f.Add("0170/1234567;ext=5")
	e164 := regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, regions := range [][]string{nil, {"DE"}} {
			got, err := Parse(text, regions)
			if err == nil && !e164.MatchString(got) {
				t.Errorf("%q became %q", text, got)
			}
			if err == nil {
				if again, err := Parse(got, regions); again != got {
					t.Errorf("%q became %q, and that %q, %v", text, got, again, err)
				}
			}
		}
	})
}
