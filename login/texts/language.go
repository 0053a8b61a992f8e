package texts

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Languages returns the tags of the languages that pages and messages speak. The first is for
// readers who wish for none of them.
func Languages() []string { return []string{"en", "de", "es", "fr", "pt", "ru"} }

// NameOf returns the name of one of Languages, in that language.
func NameOf(tag string) string {
	return map[string]string{"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "pt": "Português",
		"ru": "Русский"}[tag]
}

// matcher finds the nearest of Languages.
var matcher = func() language.Matcher {
	var tags []language.Tag
	for _, lang := range Languages() {
		tags = append(tags, language.MustParse(lang))
	}
	return language.NewMatcher(tags)
}()

// LongestWish is the number of bytes of a list of languages that is read or passed on.
const LongestWish = 500

const (
	// mostWishes is the number of languages that are read of one list.
	mostWishes = 20
	// longestTag is more than RFC 5646 section 4.4.1 requires. x/text parses a tag such as
	// "en-t-en-t-…" in time that grows with the square of its length: a second for 60 KB.
	longestTag = 64
)

// Accepted returns the language for the header Accept-Language (RFC 9110 section 12.5.4), the
// first of Languages when it names none of them.
func Accepted(header string) string { return nearest(accepted(header), Languages()[0]) }

// First returns the language of the first tag that names one of Languages, else fallback. The
// tags are those of ui_locales (OpenID Connect Core section 3.1.2.1).
func First(locales []string, fallback string) string {
	var tags []language.Tag
	for _, l := range locales[:min(len(locales), mostWishes)] {
		if len(l) > longestTag {
			continue
		}
		if tag, err := language.Parse(l); err == nil {
			tags = append(tags, tag)
		}
	}
	return nearest(tags, fallback)
}

// accepted returns the tags of an Accept-Language header, those with the highest weight first.
// Tags that do not parse are left out.
func accepted(header string) []language.Tag {
	if len(header) > LongestWish {
		header = header[:LongestWish]
		header = header[:max(0, strings.LastIndexByte(header, ','))]
	}
	type wish struct {
		tag    language.Tag
		weight float32
	}
	var wishes []wish
	for part := range strings.SplitSeq(header, ",") {
		tags, weights, err := language.ParseAcceptLanguage(part)
		if err == nil && len(tags) == 1 && weights[0] > 0 {
			wishes = append(wishes, wish{tags[0], weights[0]})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.weight, a.weight) })
	var out []language.Tag
	for _, w := range wishes {
		out = append(out, w.tag)
	}
	return out
}

// nearest returns the language that readers of the first such tag surely understand, else
// fallback: de-CH is answered in German, but uk is not answered in Russian.
func nearest(tags []language.Tag, fallback string) string {
	for _, tag := range tags[:min(len(tags), mostWishes)] {
		if _, i, sure := matcher.Match(tag); sure >= language.High {
			return Languages()[i]
		}
	}
	return fallback
}
