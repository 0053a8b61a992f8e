package people

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/people/username"
)

func FuzzNormalNames(f *testing.F) {
	f.Add("Jo@Example.com")
	f.Add("straße")
	f.Add("jo@xn--bcher-kva.example")
	f.Fuzz(func(t *testing.T, s string) {
		for name, normal := range map[string]func(string) (string, bool){"name": NormalName, "user name": username.Key} {
			key, ok := normal(s)
			if !ok {
				continue
			}
			if again, ok := normal(key); !ok || again != key {
				t.Errorf("%s %q became %q, and that %q, %v", name, s, key, again, ok)
			}
			if strings.ContainsAny(key, " \r\n\x00\"<>") {
				t.Errorf("%s %q became %q", name, s, key)
			}
		}
	})
}
