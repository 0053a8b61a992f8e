package sentry

import (
	"net/netip"
	"regexp"
	"strings"
)

// maxText bounds a text, in bytes.
const maxText = 1 << 10

// clearings are what is put in the place of parts of a text, in their order; a part stays if only says no.
var clearings = []struct {
	what *regexp.Regexp
	with string
	only func(part string) bool
}{
	{regexp.MustCompile("\"[^\"]*(\"|$)|`[^`]*(`|$)|'[^' ]+'|“[^”]*(”|$)"), "[text]", nil},
	{regexp.MustCompile(`\b([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/?#@]*@)?([^\s/?#@,;)\]]*)[^\s,;)\]]*`), "$1$2/[path]", nil},
	{regexp.MustCompile(`[^\s<>(),;]+@[^\s<>(),;:]+`), "[email]", nil},
	{regexp.MustCompile(`\?[^\s]*=[^\s]*`), "?[query]", nil},
	{regexp.MustCompile(`\S+=\S*`), "[value]", nil},
	{regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`), "[address]", nil},
	{regexp.MustCompile(`[0-9a-fA-F:]*:[0-9a-fA-F:.]*[0-9a-fA-F](%\w+)?`), "[address]", isIPv6},
	{regexp.MustCompile(`[\w~+/%-]*\d[\w~+/%-]*(\.[\w~+/%-]+)*\.?`), "[value]", isLong},
	{regexp.MustCompile(`[\w~+/%-]{24,}(\.[\w~+/%-]+)*\.?`), "[value]", nil},
	{regexp.MustCompile(`\+?\d[\d ()/-]{6,}\d`), "[number]", nil},
}

// isLong reports whether a word with digits is longer than numbers and names of versions are.
func isLong(word string) bool { return len(word) >= 12 }

func isIPv6(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// cleared returns a text without what may be a secret or name a user: what stands in quotes, addresses of any kind, all
// of a URL but its host, and long words, of which tokens, ids and hashes consist. The log has the whole text.
func cleared(text string) string {
	text = strings.ToValidUTF8(text, "")
	if len(text) > 4*maxText {
		text = strings.ToValidUTF8(text[:4*maxText], "")
	}
	for _, c := range clearings {
		if c.only == nil {
			text = c.what.ReplaceAllString(text, c.with)
			continue
		}
		text = c.what.ReplaceAllStringFunc(text, func(part string) string {
			if c.only(part) {
				return c.with
			}
			return part
		})
	}
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
