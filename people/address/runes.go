package address

import (
	"strings"
	"unicode"
)

// surrounds reports whether a character at either end of an address is dropped: white space, and
// invisible characters that copying from a page or a chat adds.
func surrounds(r rune) bool {
	switch r {
	case '\u00ad', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return true
	}
	return unicode.IsSpace(r)
}

// notAtext reports whether a character cannot be in a local part that is not quoted. In ASCII,
// atext (RFC 5322 section 3.2.3) and dots can; elsewhere letters, marks and numbers can.
func notAtext(r rune) bool {
	if r < 0x80 {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
			strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r))
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r)
}
