package address

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// rune5895 is what RFC 5895 section 2 makes of a character that was typed: what a mail program
// that follows IDNA 2008 does before it looks a domain up.
func rune5895(r rune) string {
	switch r {
	case '\u3002': // ideographic full stop
		return "."
	}
	s := cases.Lower(language.Und).String(string(r))
	return norm.NFC.String(width.Fold.String(s))
}

// assigned are the characters that Unicode has. Of ideographs, syllables of Hangul and those
// for private use, which are much as each other, it is every seventh.
func assigned() iter.Seq[rune] {
	return func(yield func(rune) bool) {
		for r := rune(0); r <= utf8.MaxRune; r++ {
			alike := unicode.In(r, unicode.Unified_Ideograph, unicode.Hangul, unicode.Co)
			known := alike || unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc,
				unicode.Cf)
			if known && (!alike || r%7 == 0) && !yield(r) {
				return
			}
		}
	}
}

// pvalid says whether IDNA 2008 lets a character into a domain, whatever stands beside it: the
// derived property of RFC 5892 section 3.
func pvalid(r rune) bool {
	switch r { // section 2.6
	case 0xdf, 0x3c2, 0x6fd, 0x6fe, 0xf0b, 0x3007:
		return true
	case 0x640, 0x7fa, 0x302e, 0x302f, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303b:
		return false
	}
	if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' {
		return true
	}
	unstable := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(string(r)))) != string(r)
	ignorable := unicode.In(r, unicode.Variation_Selector, unicode.White_Space, unicode.Noncharacter_Code_Point,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Cf)
	blocks := 0x20d0 <= r && r <= 0x20ff || 0x1d100 <= r && r <= 0x1d24f
	hangul := 0x1100 <= r && r <= 0x11ff || 0xa960 <= r && r <= 0xa97f || 0xd7b0 <= r && r <= 0xd7ff
	return !unstable && !ignorable && !blocks && !hangul &&
		unicode.In(r, unicode.Ll, unicode.Lo, unicode.Lm, unicode.Mn, unicode.Mc, unicode.Nd)
}

// TestEveryRuneOfADomain: what a character in a domain is read as is what IDNA 2008 reads it
// as, where it reads it at all. Two addresses then share a key only if every mail server that
// follows IDNA 2008 sends them to one domain, or takes no mail for one of them.
func TestEveryRuneOfADomain(t *testing.T) {
	t.Parallel()
	punycode := idna.New() // encodes, and maps nothing
	read, compared := 0, 0
	for r := range assigned() {
		for _, shape := range []string{"\x01", "a\x01b", "\x01\x01", "a\x01\u0308"} {
			typed := strings.ReplaceAll(shape, "\x01", string(r)) + ".example"
			a, err := Read("x@" + typed)
			if err != nil {
				continue
			}
			read++
			if again, err := Read("x@" + a.Domain()); err != nil || again != a {
				t.Errorf("%+q is read as %s, and that as %s, %v", typed, a.Domain(), again.Domain(), err)
			}
			if Shown(string(a.Recipient())) != string(a.Recipient()) {
				if again, err := Read(Shown(string(a.Recipient()))); err != nil || again != a {
					t.Errorf("%+q is shown as %q, which is read as %s, %v", typed, Shown(string(a.Recipient())), again.Domain(), err)
				}
			}
			mapped := norm.NFC.String(strings.ReplaceAll(shape, "\x01", rune5895(r)))
			if strings.ContainsFunc(mapped, func(r rune) bool { return !pvalid(r) && r != '.' }) {
				continue // no mail server that follows IDNA 2008 sends anything there
			}
			want, err := punycode.ToASCII(mapped + ".example")
			if err != nil {
				continue
			}
			compared++
			if a.Domain() != want {
				t.Errorf("%+q (U+%04X) is read as %s, by IDNA 2008 as %s", typed, r, a.Domain(), want)
			}
		}
	}
	if read < 90_000 || compared < 70_000 {
		t.Errorf("%d of the domains were read, %d compared", read, compared)
	}
}

// TestEveryRuneOfALocalPart: addresses share a key only if they differ in case alone, and what
// may be claimed is stored and written to as it was typed, but for the width of letters.
func TestEveryRuneOfALocalPart(t *testing.T) {
	t.Parallel()
	owners := map[string][]string{}
	claimed := 0
	for r := range assigned() {
		for _, typed := range []string{string(r), "a" + string(r) + "b"} {
			c, err := Claim(typed + "@example.com")
			if err != nil {
				continue
			}
			claimed++
			local, _, _ := strings.Cut(c.String(), "@")
			if folded := norm.NFC.String(width.Fold.String(typed)); local != folded &&
				local != strings.TrimFunc(folded, surrounds) {
				t.Errorf("%+q is written to as %+q", typed, local)
			}
			if again, err := Claim(c.Key()); err != nil || again.Key() != c.Key() {
				t.Errorf("%+q has the key %+q, and that %+q, %v", typed, c.Key(), again.Key(), err)
			}
			if !slices.Contains(owners[c.Key()], local) {
				owners[c.Key()] = append(owners[c.Key()], local)
			}
		}
	}
	for key, locals := range owners {
		for _, local := range locals[1:] {
			if !strings.EqualFold(local, locals[0]) &&
				cases.Lower(language.Und).String(local) != cases.Lower(language.Und).String(locals[0]) {
				t.Errorf("%+q and %+q share the key %+q", local, locals[0], key)
			}
		}
	}
	if claimed < 50_000 {
		t.Errorf("%d local parts can be claimed", claimed)
	}
}
