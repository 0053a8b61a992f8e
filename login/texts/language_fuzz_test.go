package texts

import (
	"slices"
	"strings"
	"testing"
)

// FuzzLanguage: for any list of languages one of ours is chosen, and the one that a list names
// when it names one alone. Long headers are cut before they are parsed.
func FuzzLanguage(f *testing.F) {
	for _, header := range []string{"", "de-CH,de;q=0.9,en;q=0.8", "uk", "*", "de;q=0", "de;q=1e9",
		"en-t-" + strings.Repeat("en-t-", 90), strings.Repeat("a,", 300), "../../etc/passwd", "de\x00",
		"x-" + strings.Repeat("a", 600)} {
		f.Add(header, header)
		f.Add(header, "")
		f.Add("", header)
	}
	f.Fuzz(func(t *testing.T, header, locales string) {
		got := First(strings.Fields(locales), Accepted(header))
		if !slices.Contains(Languages(), got) || In(got) == nil {
			t.Fatalf("%q, %q: got %q", header, locales, got)
		}
		if slices.Contains(Languages(), locales) && got != locales {
			t.Errorf("%q: got %q", locales, got)
		}
		if len(accepted(header)) > LongestWish {
			t.Errorf("%d wishes", len(accepted(header)))
		}
	})
}
