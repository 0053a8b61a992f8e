package texts

import "strings"

// straightQuotes writes quotation marks as the one that error_description may have.
var straightQuotes = strings.NewReplacer("’", "'", "“", "'", "”", "'", `"`, "'")

// ASCII returns a text that is fit for error_description (RFC 6749 section 5.2): with straight
// quotation marks, and ? for every other character that it may not have.
func ASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '\\' {
			return '?'
		}
		return r
	}, straightQuotes.Replace(text))
}
