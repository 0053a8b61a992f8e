package storage

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// WellFormed reports whether s is text that can be stored and looked up: valid UTF-8 without NUL.
// No database takes anything else.
func WellFormed(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// Misleading reports whether a character shows nothing, stands for bytes that are not UTF-8, or changes the order in
// which the text around it is shown: names with it look different from how they are written.
func Misleading(r rune) bool {
	return unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r)
}

// IsScope reports whether s can be the name of a scope: visible ASCII without spaces, " and \ (RFC 6749 section 3.3).
func IsScope(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || r == '"' || r == '\\'
	})
}

// SharedID reports whether both an imported user and a client could have the id: it is a UUID in lower case, but not
// of version 7, as new users get, which clients may not have. Stores give such an id to one of the two.
func SharedID(id string) bool {
	u, err := uuid.Parse(id)
	return err == nil && u.String() == id && u.Version() != 7
}
