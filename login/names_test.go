package login

import (
	"strings"
	"testing"
)

func TestNormalEmail(t *testing.T) {
	for in, want := range map[string]string{
		"jo@example.com":    "jo@example.com",
		" Jo@Example.COM\t": "jo@example.com",
		"ｊｏ＠ｅｘａｍｐｌｅ．ｃｏｍ":                                "jo@example.com",
		"JO+Shop@example.com":                           "jo+shop@example.com",
		"straße@example.com":                            "strasse@example.com",
		"STRASSE@example.com":                           "strasse@example.com",
		"jo@bücher.example":                             "jo@xn--bcher-kva.example",
		"jo@BU\u0308CHER.example":                       "jo@xn--bcher-kva.example",
		"jo@xn--bcher-kva.example":                      "jo@xn--bcher-kva.example",
		"o'neil@example.com":                            "o'neil@example.com",
		"cafe\u0301@example.com":                        "caf\u00e9@example.com",
		"root@localhost":                                "root@localhost",
		"":                                              "",
		"jo":                                            "",
		"@example.com":                                  "",
		"jo@":                                           "",
		"jo@a@example.com":                              "",
		"jo@example.com@":                               "",
		`"jo"@example.com`:                              "",
		`"a@b"@example.com`:                             "",
		"jo doe@example.com":                            "",
		"jo@exa mple.com":                               "",
		"jo\x00@example.com":                            "",
		"jo@example.com\r\nBcc: x":                      "",
		"jo\u200b@example.com":                          "",
		"jo\u202e@example.com":                          "",
		"jo@[127.0.0.1]":                                "",
		"jo@example..com":                               "",
		"jo@example.com.":                               "",
		"jo@-example.com":                               "",
		"jo@exa_mple.com":                               "",
		"<script>@example.com":                          "",
		"jo\xff@example.com":                            "",
		"Jo <jo@example.com>":                           "",
		"jo@example.com, b@b.b":                         "",
		strings.Repeat("a", 65) + "@example.com":        "",
		"a@" + strings.Repeat("a.", 130) + "com":        "",
		strings.Repeat("a", 1<<20) + "@example.com":     "",
		strings.Repeat("\u0130", 40) + "@example.com":   "",
		"a@" + strings.Repeat("a", 64) + ".example.com": "",
	} {
		if got, ok := NormalEmail(in); got != want || ok != (want != "") {
			t.Errorf("%.60q: got %q, %v, want %q", in, got, ok, want)
		}
	}
}

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
		for name, normal := range map[string]func(string) (string, bool){"e-mail": NormalEmail, "user name": NormalUsername} {
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
