package people

import (
	"strings"
	"testing"
)

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
