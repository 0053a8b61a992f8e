package brand

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// longestInitial bounds an initial in code points: a letter with its marks, or a family of emoji.
const longestInitial = 8

// Initial returns the letter that stands for a name: the first letter or digit as users perceive it,
// with its accents and vowel signs, as a capital if its script has any. A name without letters
// and digits has its first symbol. It returns "" for a name without either.
func Initial(name string) string {
	runes := []rune(norm.NFC.String(strings.ToValidUTF8(name, "")))
	at := firstOf(runes, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
	if at < 0 {
		at = firstOf(runes, func(r rune) bool { return unicode.IsSymbol(r) && !isJoiner(r) })
	}
	if at < 0 {
		return ""
	}
	cluster := runes[at : at+clusterLength(runes[at:])]
	cluster[0] = unicode.ToTitle(cluster[0])
	return string(cluster)
}

// firstOf returns the index of the first rune that fits, or -1.
func firstOf(runes []rune, fits func(rune) bool) int {
	for i, r := range runes {
		if fits(r) {
			return i
		}
	}
	return -1
}

// clusterLength returns how many runes of the beginning belong together, at most longestInitial. It
// knows the rules of UAX #29 that can follow a letter, a digit or a symbol.
func clusterLength(runes []rune) int {
	n := 1
	for n < len(runes) && n < longestInitial {
		before, r := runes[n-1], runes[n]
		switch {
		case unicode.Is(unicode.M, r), isJoiner(r), isSkinTone(r),
			before == zeroWidthJoiner && unicode.IsSymbol(r),
			isVirama(before) && unicode.IsLetter(r), // a conjunct, which the scripts of India write as one
			isHangulPart(before) && isHangulPart(r),
			n == 1 && isFlagHalf(before) && isFlagHalf(r):
			n++
		default:
			return trimJoiners(runes, n)
		}
	}
	return trimJoiners(runes, n)
}

// trimJoiners returns n without joiners that would join the cluster to nothing.
func trimJoiners(runes []rune, n int) int {
	for n > 1 && isJoiner(runes[n-1]) {
		n--
	}
	return n
}

// zeroWidthJoiner makes one emoji of several.
const zeroWidthJoiner = '\u200d'

// isJoiner reports whether the rune only joins its neighbours, or keeps them apart.
func isJoiner(r rune) bool { return r == zeroWidthJoiner || r == '\u200c' }

// isSkinTone reports whether the rune is a modifier of the emoji before it.
func isSkinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }

// isFlagHalf reports whether the rune is one of the two letters of a flag.
func isFlagHalf(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// isHangulPart reports whether the rune is a letter that Korean syllables are composed of.
func isHangulPart(r rune) bool { return r >= 0x1100 && r <= 0x11ff }

// isVirama reports whether the rune joins two consonants of a script of India.
func isVirama(r rune) bool {
	switch r {
	case 0x094d, 0x09cd, 0x0acd, 0x0b4d, 0x0c4d, 0x0d4d:
		return true
	}
	return false
}
