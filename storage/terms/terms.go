package terms

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// mostWords is how many words of a name are found by their beginnings, each with what follows it.
	mostWords = 8
	// mostRunes is how many characters of a term are stored and compared.
	mostRunes = 64
)

// Of returns the terms of the names in a profile, in order. None begins with another one.
func Of(p storage.Profile) []string {
	var all []string
	for _, text := range []string{
		p.Name, p.GivenName + " " + p.MiddleName + " " + p.FamilyName, p.FamilyName + " " + p.GivenName, p.Nickname,
	} {
		words := strings.Fields(fold(text))
		for i := range min(len(words), mostWords) {
			all = append(all, cut(strings.Join(words[i:], " ")))
		}
	}
	slices.Sort(all)
	found := all[:0]
	for i, term := range all {
		if i+1 == len(all) || !strings.HasPrefix(all[i+1], term) {
			found = append(found, term)
		}
	}
	return found
}

// Fold returns a text as terms are written, in full length; "" if it has neither letters nor digits.
func Fold(text string) string { return strings.Join(strings.Fields(fold(text)), " ") }

// Beginning returns a text that was typed such that a term begins with it if the name has the words, and the last of
// them begins so.
func Beginning(typed string) string { return cut(Fold(typed)) }

// fold returns the text without case, accents and punctuation, with spaces between words.
func fold(s string) string {
	if isASCII(s) {
		return strings.Map(spaced, strings.ToLower(s))
	}
	// Case folding alone swaps the two cases of Cherokee. Lower case corrects that.
	s = strings.ToLower(cases.Fold().String(norm.NFKC.String(s)))
	s = norm.NFKC.String(strings.Map(bare, norm.NFKD.String(s)))
	return strings.Map(spaced, s)
}

func isASCII(s string) bool {
	for _, c := range []byte(s) {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// bare drops the accents of Latin, Greek and Cyrillic letters. The marks of other scripts are part of their spelling.
func bare(r rune) rune {
	if r >= '\u0300' && r <= '\u036f' {
		return -1
	}
	return r
}

// spaced drops apostrophes, which some leave out (O'Brien), and puts spaces in the place of what is no part of a word.
func spaced(r rune) rune {
	switch {
	case r == '\'' || r == '\u2019' || r == '\u02bc' || unicode.Is(unicode.Cf, r):
		return -1
	case unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r):
		return r
	}
	return ' '
}

// cut returns the beginning of a term that is stored.
func cut(term string) string {
	n := 0
	for i := range term {
		if n++; n > mostRunes {
			return strings.TrimRight(term[:i], " ")
		}
	}
	return term
}
