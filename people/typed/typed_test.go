package typed

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
)

func TestCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"12345678": "12345678", " 1234 5678\n": "12345678", "1234-5678": "12345678", "1234\u00a05678": "12345678",
		"1234\u202f5678.": "12345678",
		"\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18":                               "12345678", // full width
		"\u0661\u0662\u0663\u0664 \u0665\u0666\u0667\u0668":                              "12345678", // Arabic-Indic
		"\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8":                               "12345678", // Persian
		"\u0967\u0968\u0969\u096a\u096b\u096c\u096d\u096e":                               "12345678", // Devanagari
		"\U0001d7cf\U0001d7d0\U0001d7e3\U0001d7ee":                                       "1212",     // of formulas
		"\u200b1\u200b2\u200b3\u200b4\u200b5\u200b6\u200b7\u200b8\u200b":                 "12345678",
		"\ufeff1234\u2060\u00ad5678\u200e":                                               "12345678",
		"\u200f\u0661\u200d\u0662\u200c\u0663\u061c\u0664\u0665\u0666\u0667\u0668\u202c": "12345678",
		"1\ufe0f\u20e32345678":                                                           "1\u20e32345678",
		"ABCD-2345":                                                                      "abcd2345",
		"\u2014(1234)\u201d":                                                             "1234",
		"1234\x005678":                                                                   "1234\x005678", "": "",
		strings.Repeat(" ", 64) + "1": "", strings.Repeat("\u200b", 56) + "12345678": "12345678",
	} {
		if got := Code(in); got != want {
			t.Errorf("%+q: got %+q, want %+q", in, got, want)
		}
	}
}

// TestDigit: each decimal digit that Unicode knows has the value that its place says, and ten
// digits of each system differ.
func TestDigit(t *testing.T) {
	t.Parallel()
	seen, next := 0, 0
	for r := range unicode.MaxRune + 1 {
		n, ok := Digit(r)
		if ok != unicode.IsDigit(r) {
			t.Errorf("%U: got %v", r, ok)
		}
		if !ok {
			continue
		}
		if n != next {
			t.Errorf("%U is %d, want %d", r, n, next)
		}
		seen, next = seen+1, (next+1)%10
	}
	if seen < 600 || next != 0 {
		t.Errorf("%d digits", seen)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	const tok = "Ab-9_x.Yz_0-"
	for _, behind := range []string{"", ">", ".", ").", "\"", "'", "]", "&amp", ";", ",", " ", "\r\n", "\u200b", "\u3002",
		"\u201d", "*", "\x00", "%", "=", "&gt;", "...x>"} {
		want := tok
		if behind == "...x>" {
			want += "...x" // a longer token is another one
		}
		if got := Token(tok + behind); got != want {
			t.Errorf("with %q behind it: got %q", behind, got)
		}
	}
	for _, in := range []string{"", ">", ".", "<" + tok, " " + tok} {
		if got := Token(in); got != "" {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]url.Values{
		"token=a.b":              {"token": {"a.b"}},
		"token=a.b&amp;x":        {"token": {"a.b"}, "x": {""}},
		"i=letter&amp;token=a.b": {"i": {"letter"}, "token": {"a.b"}},
		"token=a.b;":             {"token": {"a.b;"}},
		"token=a.b&gt;":          {"token": {"a.b"}, "gt;": {""}},
	} {
		if got, err := url.ParseQuery(Query(in)); err != nil || got.Encode() != want.Encode() {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
	}
}

// FuzzCode: what is meant is read as itself, and never longer than what was typed.
func FuzzCode(f *testing.F) {
	for _, s := range []string{"1234 5678", "\uff11\u0662\u200b", "\xff", "\ufdfa", "a\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, token := Code(s), Token(s)
		if strings.ContainsFunc(code, beside) {
			t.Errorf("%+q is read as %+q", s, code)
		}
		if Token(token) != token || !strings.HasPrefix(s, token) {
			t.Errorf("%+q carries %+q", s, token)
		}
		if strings.Contains(Query(s), ";") {
			t.Errorf("%+q is read as %+q", s, Query(s))
		}
	})
}
