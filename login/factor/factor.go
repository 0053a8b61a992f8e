// Package factor holds what proves a person beside their password: one-time passwords
// of an app (TOTP, RFC 6238), and the recovery codes for when that is lost.
//
// It keeps nothing and counts nothing: who calls it stores what it gives in place of
// what it was given, only if that is still there, so that of two uses of a code one
// succeeds, and bounds how often somebody may try.
package factor

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// typed is a code as it was meant: people type spaces and hyphens that help to read it,
// and keyboards send digits of other widths.
func typed(code string) string {
	if len(code) > 64 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(code))
}
