package username

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"
)

//go:embed confusables.txt
var confusables string

// prototypes are the characters that others look like, from confusables.txt. They are read at the
// first use.
var prototypes = sync.OnceValue(func() map[rune]string {
	all := make(map[rune]string, 3000)
	for line := range strings.Lines(confusables) {
		from, to, ok := strings.Cut(strings.TrimSpace(line), ";")
		r, err := strconv.ParseUint(from, 16, 32)
		if !ok || err != nil {
			continue // a comment
		}
		var s strings.Builder
		for code := range strings.FieldsSeq(to) {
			c, err := strconv.ParseUint(code, 16, 32)
			if err != nil {
				panic("confusables.txt: " + line)
			}
			s.WriteRune(rune(c))
		}
		all[rune(r)] = s.String()
	}
	return all
})

// Skeleton returns the same text for the keys of names that look alike: the skeleton of UTS 39
// section 4, in lower case. Keys have no capital letters, but the characters that digits look like
// do. Skeletons are compared and never shown.
func Skeleton(key string) string {
	return replaced(strings.ToLower(replaced(key)))
}

// replaced returns the text with each character replaced by its prototype.
func replaced(text string) string {
	of := prototypes()
	var s strings.Builder
	for _, r := range norm.NFD.String(text) {
		if to, ok := of[r]; ok {
			s.WriteString(to)
		} else {
			s.WriteRune(r)
		}
	}
	return norm.NFD.String(s.String())
}
