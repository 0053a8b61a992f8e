package username

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"jo": "jo", " JO ": "jo", "\uff2a\uff2f": "jo", "Jo.Doe_the-2nd": "jo.doe_the-2nd",
		"\u041e\u043b\u044c\u0433\u0430": "\u043e\u043b\u044c\u0433\u0430", "\ufb01n": "fin", "jo\u200d": "jo\u200d",
		"": "", " ": "", "jo@example.com": "", "jo\uff20x": "", "jo doe": "", "jo\x00": "", "a/b": "", "<b>": "", "\xff": "",
		strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "",
	} {
		if strings.Contains(want, "\u200d") {
			want = ""
		}
		if got, ok := Key(in); got != want || ok != (want != "") {
			t.Errorf("%.40q: got %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"jo": "jo", " Jo.Doe_2-nd ": "jo.doe_2-nd", "\uff2a\uff2f": "jo", "\ufeffjo\u200b": "jo",
		"\u041e\u043b\u044c\u0433\u0430": "\u043e\u043b\u044c\u0433\u0430", "J\u00f6rg": "j\u00f6rg",
		"stra\u00dfe":              "stra\u00dfe",
		"\u7530\u4e2d\u3055\u3093": "\u7530\u4e2d\u3055\u3093", "\u7530\u4e2dtaro": "\u7530\u4e2dtaro",
		"\uae40kim": "\uae40kim", "\u0645\u062d\u0645\u062f": "\u0645\u062d\u0645\u062f",
		"": "", "...": "", "jo doe": "", "jo@example.com": "", "a/b": "", "<b>": "", "\xff": "", "jo\x00": "",
		"j\u200bo": "", "j\u200do": "", "jo\u202e": "", "j\u00ado": "", "jo\ufe0f": "", "\u115fjo": "", "jo\u3164": "",
		"\ufb01n": "", "\u2460": "", "jo\u2019s": "",
		"\u0430lice": "", "p\u0430ypal": "", "\u03b1lpha": "", "\u13aaob": "", "\u043e\u043b\u044c\u0433\u0430jo": "",
		"\u3042\u0430": "", "7\u0667": "",
		strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "", strings.Repeat("a", 1<<20): "",
	} {
		c, err := Claim(in, nil)
		if c.String() != want || (err == nil) != (want != "") {
			t.Errorf("%.40q: got %q, %v, want %q", in, c, err, want)
		}
		if key, ok := Key(in); err == nil && (!ok || key != c.Key()) {
			t.Errorf("%.40q has the key %q, and is looked for by %q", in, c.Key(), key)
		}
	}
	if (Claimed{}).Skeleton() != "" {
		t.Error("no name looks like another")
	}
}

// TestReservedNames: a name that looks like one of the operator's is refused in every spelling.
func TestReservedNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"administrator", "Administrator", "ADMIN", "adm.in", "_admin_", "r00t", "ro0t",
		"supp0rt", "support-", "\u0440\u043e\u0455\u0442master", "help.desk", "post-master"} {
		if _, err := Claim(name, nil); err == nil {
			t.Errorf("%q may be taken", name)
		} else if _, err := Claim(name, []string{}); err != nil && !errors.Is(err, ErrName) {
			t.Errorf("%q, where none is reserved: %v", name, err)
		}
	}
	for _, name := range []string{"admiral", "rooter", "jo", "supporter", "administratrix"} {
		if _, err := Claim(name, nil); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := Claim("Acme-Bot", []string{"acmebot"}); !errors.Is(err, ErrReserved) {
		t.Errorf("got %v of a name that the tenant reserves", err)
	}
	if _, err := Claim("admin", []string{"acmebot"}); err != nil {
		t.Errorf("got %v of one that it does not", err)
	}
}

func TestNamesThatLookAlike(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"alice", "a1ice"}, {"paul", "pau1"}, {"modern", "rnodern"}, {"\u0430\u0441\u0435", "ace"},
		{"\u0440\u0430\u0443", "pay"}, {"joo", "jo\u043e"}, {"j\u00f6rg", "jo\u0308rg"},
	} {
		a, okA := Key(pair[0])
		b, okB := Key(pair[1])
		if !okA || !okB || Skeleton(a) != Skeleton(b) {
			t.Errorf("%q and %q have the skeletons %q and %q", pair[0], pair[1], Skeleton(a), Skeleton(b))
		}
	}
	for _, pair := range [][2]string{{"ian", "lan"}, {"ali", "all"}, {"jo", "joe"}, {"user10", "user11"},
		{"jorg", "j\u00f6rg"}, {"a.b", "a_b"}} {
		if Skeleton(pair[0]) == Skeleton(pair[1]) {
			t.Errorf("%q looks like %q", pair[0], pair[1])
		}
	}
	if n := len(prototypes()); n < 2900 {
		t.Errorf("%d characters are taken for others", n)
	}
}

// TestEveryRuneOfAName: names with one key have one skeleton, and a stored name reads as itself, is
// visible, and has no character that stands for another.
func TestEveryRuneOfAName(t *testing.T) {
	t.Parallel()
	claimed := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.Unified_Ideograph, unicode.Hangul, unicode.Co) && r%7 != 0 ||
			!unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf) {
			continue
		}
		for _, typed := range []string{string(r), "7" + string(r) + "7"} {
			c, err := Claim(typed, []string{})
			if err != nil {
				continue
			}
			claimed++
			var u storage.User
			c.Give(&u)
			again, err := Claim(u.Username, []string{})
			if err != nil || again != c || u.UsernameSkeleton == "" {
				t.Errorf("%+q is stored as %+q, and that is read as %+q, %v", typed, u.Username, again, err)
			}
			if key, ok := Key(u.UsernameKey); !ok || key != u.UsernameKey {
				t.Errorf("%+q has the key %+q, and that %+q", typed, u.UsernameKey, key)
			}
			if strings.ContainsFunc(u.Username, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%+q is stored as %+q, which does not show", typed, u.Username)
			}
		}
	}
	if claimed < 35_000 {
		t.Errorf("%d names can be claimed", claimed)
	}
}
