// Package typed reads what people type from a screen or copy out of a message: as it was meant.
package typed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// mostCode is how long a code may be, in characters, with all that was copied along. The fields
// of the pages take as much.
const mostCode = 64

// Code is a code as it was meant: people type the spaces and hyphens that help to read it,
// keyboards send the digits of their script, and copying brings along what does not show, or
// the full stop of the sentence. "" for what is too long to be a code.
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

// beside says whether a character stands beside those of a code.
func beside(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Z, unicode.Cf, unicode.P, unicode.Variation_Selector)
}

// Digit is the value of a decimal digit of any script.
func Digit(r rune) (value int, ok bool) {
	if r <= unicode.MaxASCII {
		return int(r - '0'), '0' <= r && r <= '9'
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	// Unicode has the ten digits of each system in a row, and the systems of a range one after
	// the other.
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

// Token is what a link carried, without what stands behind the link where it was found: the
// bracket or the full stop that a program which shows mail took for a part of it. Tokens are
// of base64url, with dots between their parts.
func Token(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
	if end >= 0 {
		s = s[:end]
	}
	return strings.TrimRight(s, ".")
}

// Query is the query of a link as it was meant: some programs follow a link as HTML spells it,
// with &amp; for &, and net/http reads no pair that holds a semicolon.
func Query(raw string) string {
	return strings.ReplaceAll(strings.ReplaceAll(raw, "&amp;", "&"), ";", "%3B")
}
