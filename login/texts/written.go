package texts

import (
	"fmt"
	"strconv"
)

// separators stand between thousands, by language (Unicode CLDR; Spanish as the RAE wants it).
var separators = map[string]string{"en": ",", "de": ".", "es": "\u202F", "fr": "\u202F", "pt": ".", "ru": "\u202F"}

// Number returns n as the language writes it: 12,345 or 12.345.
func (w Words) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	if w["lang"] == "es" && len(digits) < 5 { // 1234, but 12 345
		return sign + digits
	}
	grouped := ""
	for len(digits) > 3 {
		grouped = separators[w["lang"]] + digits[len(digits)-3:] + grouped
		digits = digits[:len(digits)-3]
	}
	return sign + digits + grouped
}

// number is a whole number that a text says: the verb %d writes it as the language does.
type number struct {
	words Words
	n     int64
}

// Format implements fmt.Formatter.
func (n number) Format(to fmt.State, _ rune) { _, _ = to.Write([]byte(n.words.Number(n.n))) }

// Colon returns the colon behind a label: French has a space before it that does not break.
func (w Words) Colon() string {
	if w["lang"] == "fr" {
		return "\u00A0:"
	}
	return ":"
}
