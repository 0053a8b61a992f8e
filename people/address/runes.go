package address

import (
	"strings"
	"unicode"
)

// surrounds says whether a character around an address means nothing: white space, and what
// copying from a page or a chat brings along unseen.
func surrounds(r rune) bool {
	switch r {
	case '\u00ad', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return true
	}
	return unicode.IsSpace(r)
}

// notAtext says whether a character cannot be in a local part that is not quoted: of ASCII
// what is atext (RFC 5322 section 3.2.3) can, or a dot, and elsewhere what words are made of.
func notAtext(r rune) bool {
	if r < 0x80 {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r))
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r)
}
