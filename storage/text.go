package storage

import (
	"strings"
	"unicode/utf8"
)

// WellFormed reports whether s is text that can be stored and looked up: valid UTF-8 without NUL.
// No database takes anything else.
func WellFormed(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}
