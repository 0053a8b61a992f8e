package mail

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
	"unicode"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	longestSubject = 200    // characters
	longestBody    = 10_000 // characters
)

// Placeholders returns the placeholders that the tenant's own text of a message may have, and those that it must have.
// Of a message with a code, {code} or {link} is enough, which required does not name.
func Placeholders(message string) (allowed, required []string) {
	have := append(slices.Clone(fields[message]), "Tenant")
	used := usedBy(message)
	if used["NotMe"] {
		have = append(have, "NotMe")
	}
	for _, name := range slices.Sorted(maps.Keys(placeholders)) {
		field := placeholders[name]
		if !slices.Contains(have, field) {
			continue
		}
		allowed = append(allowed, name)
		isLink := field == "Link" || field == "Reset" || field == "NotMe"
		if used[field] && isLink && (field == "NotMe" || !coded[message]) {
			required = append(required, name)
		}
	}
	return allowed, required
}

// usedBy returns the values that the built-in text of a message has.
func usedBy(message string) map[string]bool {
	used := map[string]bool{}
	if t := standard().text[fallback+"/"+message]; t != nil {
		walk(t.Root, true, func(_ parse.Node, field string) { used[field] = true })
	}
	return used
}

// TextFault is what is wrong with a tenant's own text: Field is the member of storage.MailText.
type TextFault struct{ Field, Message string }

// CheckText returns what is wrong with a tenant's own text.
func CheckText(m storage.MailText) (faults []TextFault) {
	wrong := func(field, format string, args ...any) {
		faults = append(faults, TextFault{field, fmt.Sprintf(format, args...)})
	}
	if !slices.Contains(Names(), m.Message) {
		wrong("message", "there is no message %q", m.Message)
		return faults
	}
	if standard().text[m.Language+"/"+m.Message] == nil {
		wrong("language", "%q is no language of the pages: write one such as en", m.Language)
	}
	isText := slices.Contains(texts, m.Message)
	hasBreaks := func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
	switch n := utf8.RuneCountInString(m.Subject); {
	case isText && m.Subject != "":
		wrong("subject", "text messages have no subject")
	case !isText && strings.TrimSpace(m.Subject) == "":
		wrong("subject", "write a subject")
	case n > longestSubject:
		wrong("subject", "has %d characters: at most %d are allowed", n, longestSubject)
	case strings.ContainsFunc(m.Subject, hasBreaks) || !utf8.ValidString(m.Subject):
		wrong("subject", "has control characters")
	}
	allowed, required := Placeholders(m.Message)
	for _, part := range []struct{ field, text string }{{"subject", m.Subject}, {"body", m.Body}} {
		for _, name := range placeholder.FindAllString(part.text, -1) {
			if !slices.Contains(allowed, name) {
				wrong(part.field, "%s has no value in this message: there are %s", name, strings.Join(allowed, ", "))
			}
		}
	}
	for _, name := range []string{"{code}", "{link}", "{reset}", "{not_me}"} {
		if strings.Contains(m.Subject, name) {
			wrong("subject", "%s may be in the text only: subjects are shown on locked screens", name)
		}
	}
	switch n := utf8.RuneCountInString(m.Body); {
	case strings.TrimSpace(m.Body) == "":
		wrong("body", "write a text")
	case n > longestBody:
		wrong("body", "has %d characters: at most %d are allowed", n, longestBody)
	case strings.ContainsFunc(strings.ReplaceAll(m.Body, "\n", ""), hasBreaks) || !utf8.ValidString(m.Body):
		wrong("body", "has control characters")
	case coded[m.Message] && !strings.Contains(m.Body, "{code}") && !strings.Contains(m.Body, "{link}"):
		wrong("body", "has neither {code} nor {link}: its reader could not go on")
	}
	for _, name := range required {
		if !strings.Contains(m.Body, name) {
			wrong("body", "%s is missing: its reader could not go on", name)
		}
	}
	return faults
}

// OwnText returns the built-in text of a message in a language, with placeholders: what a tenant's own text begins as.
// It is "" for a message or a language that does not exist.
func (t *Templates) OwnText(message, language string) (subject, body string) {
	t = t.or()
	if t.text[language+"/"+message] == nil {
		language = fallback
	}
	source := t.text[language+"/"+message]
	if source == nil {
		return "", ""
	}
	values := map[string]any{}
	for name, field := range placeholders {
		values[field] = name
	}
	var out strings.Builder
	if err := source.Execute(&out, values); err != nil {
		return "", ""
	}
	if slices.Contains(texts, message) {
		return "", strings.TrimSpace(out.String())
	}
	subject, body, _ = strings.Cut(strings.TrimLeft(out.String(), " \t\n"), "\n")
	return strings.TrimSpace(strings.TrimPrefix(subject, "Subject:")), strings.TrimSpace(body)
}
