package login

import (
	"strings"
	"testing"
)

func TestNormalUsername(t *testing.T) {
	for in, want := range map[string]string{
		"jo": "jo", " JO ": "jo", "ＪＯ": "jo", "Jo.Doe_the-2nd": "jo.doe_the-2nd", "Ольга": "ольга", "ﬁn": "fin",
		"": "", " ": "", "jo@example.com": "", "jo＠x": "", "jo doe": "", "jo\u200d": "", "jo\x00": "", "a/b": "", "<b>": "", "\xff": "",
		strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "",
	} {
		if got, ok := NormalUsername(in); got != want || ok != (want != "") {
			t.Errorf("%.40q: got %q, %v, want %q", in, got, ok, want)
		}
	}
}

func FuzzNormalNames(f *testing.F) {
	f.Add("Jo@Example.com")
	f.Add("straße")
	f.Add("jo@xn--bcher-kva.example")
	f.Fuzz(func(t *testing.T, s string) {
		for name, normal := range map[string]func(string) (string, bool){"name": normalName, "user name": NormalUsername} {
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
