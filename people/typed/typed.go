// Package typed reads what users type from a screen, or copy from a message, and returns what they
// meant.
package typed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// mostCode is the maximum length of a typed code in characters, with everything that was copied
// along. The fields of the pages accept as many.
const mostCode = 64

// Code returns a code as the user meant it. It removes the spaces and hyphens that make a code
// readable, and what copying adds: invisible characters or the full stop of the sentence. It
// converts the digits of all scripts, and letters to lower case. It returns "" for a text that is
// too long for a code.
func Code(s string) string {
	if len(s) > mostCode*utf8.UTFMax || utf8.RuneCountInString(s) > mostCode {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if beside(r) {
			return -1
		}
		if n, ok := Digit(r); ok {
			return '0' + rune(n)
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(s))
}

// beside reports whether a character is not part of a code: white space, punctuation or an
// invisible character.
func beside(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Z, unicode.Cf, unicode.P, unicode.Variation_Selector)
}

// Digit returns the value of a decimal digit of any script, and false for other characters.
func Digit(r rune) (value int, ok bool) {
	if r <= unicode.MaxASCII {
		return int(r - '0'), '0' <= r && r <= '9'
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	// Unicode has the ten digits of a script in a row, and the scripts of a range one after the
	// other.
	for _, in := range unicode.Nd.R16 {
		if lo := rune(in.Lo); lo <= r && r <= rune(in.Hi) {
			return int(r-lo) % 10, true
		}
	}
	for _, in := range unicode.Nd.R32 {
		if lo := rune(in.Lo); lo <= r && r <= rune(in.Hi) {
			return int(r-lo) % 10, true
		}
	}
	return 0, false
}

// Token returns the token of a link without what a mail program took for a part of the link, such
// as a bracket or the full stop after it. Tokens are base64url, with dots between their parts.
func Token(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
	if end >= 0 {
		s = s[:end]
	}
	return strings.TrimRight(s, ".")
}

// Query returns the query of a link as it was meant. Some programs follow a link as HTML spells it,
// with &amp; for &, and net/http does not read pairs that contain a semicolon.
func Query(raw string) string {
	return strings.ReplaceAll(strings.ReplaceAll(raw, "&amp;", "&"), ";", "%3B")
}
