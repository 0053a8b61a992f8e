package gateway

import (
	"net/url"
	"strings"
	"testing"
)

func TestHeadersHoldNothingButText(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"": "", "jo@example.com": "jo@example.com", "Jo Doe": "Jo Doe", "Zoë": "Zo%C3%AB",
		"a\r\nX-Auth-User: boss": "a%0D%0AX-Auth-User: boss",
		"100%":                   "100%25", " a ": "%20a%20", "a\x00b": "a%00b", "a\tb": "a%09b", "a\x7f": "a%7F",
	} {
		if got := safe(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

// FuzzSafe: any value becomes printable ASCII without spaces at its ends, and can be read back.
func FuzzSafe(f *testing.F) {
	for _, s := range []string{"", "jo", "Zoë", "\r\n", " x ", "%41", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := safe(s)
		for _, c := range []byte(got) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q: got %q", s, got)
			}
		}
		if strings.TrimSpace(got) != got {
			t.Errorf("%q: got %q", s, got)
		}
		if back, err := url.PathUnescape(got); err != nil || back != s {
			t.Errorf("%q: got %q, which is read as %q, %v", s, got, back, err)
		}
	})
}
