package contracttest

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// value returns a value that a schema allows. name is that of its member or parameter.
func (m *Maker) value(schema any, name string, depth int) any {
	s := m.resolve(schema)
	if choices := list(s["anyOf"]); choices != nil {
		return m.value(choices[m.Rand.IntN(len(choices))], name, depth)
	}
	switch s["type"] {
	case "object":
		return m.object(s, name, depth)
	case "array":
		all := []any{}
		n := m.Rand.IntN(3)
		if m.sparse && len(m.Known[name]) > 0 {
			n = 1
		}
		for range n {
			all = append(all, m.value(s["items"], name, depth+1))
		}
		return all
	case "string":
		return m.text(name, s)
	case "integer", "number":
		return m.number(s)
	case "boolean":
		return m.oneIn(2)
	case "null":
		return nil
	}
	return map[string]any{"any": "thing"}
}

// object returns an object with all that is required and some of the rest: the deeper it is, the less.
func (m *Maker) object(s map[string]any, name string, depth int) any {
	out := map[string]any{}
	required := list(s["required"])
	properties := object(s["properties"])
	for _, member := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(member)) || m.includes(member, depth) {
			out[member] = m.value(properties[member], member, depth+1)
		}
	}
	if others, ok := s["additionalProperties"]; ok && others != false || len(properties) == 0 {
		for range m.Rand.IntN(3) {
			out[m.text(name, nil)] = m.value(others, name, depth+1)
		}
	}
	return out
}

// includes reports whether an object has a member that it needn't have.
func (m *Maker) includes(member string, depth int) bool {
	switch {
	case !m.sparse:
		return m.oneIn(3 + 2*depth)
	case len(m.Known[member]) > 0:
		return !m.oneIn(6)
	}
	return m.oneIn(30)
}

// number returns a number within the bounds of a schema.
func (m *Maker) number(s map[string]any) any {
	least, bounded := s["minimum"].(float64)
	most, ok := s["maximum"].(float64)
	if !bounded || !ok {
		all := []float64{0, 1, -1, 60, 3600, 86400, 1 << 31, 1<<53 - 1, -(1<<53 - 1)}
		return all[m.Rand.IntN(len(all))]
	}
	all := []float64{least, most, least + float64(m.Rand.IntN(int(most-least)+1))}
	return all[m.Rand.IntN(len(all))]
}

// odd are texts that are unlike what is usual.
var odd = []string{
	"", " ", "a", "none", "0", "null", "true", "../../etc", "%2F%00", "'; DROP TABLE users; --",
	"<script>alert(1)</script>",
	"Zoë Ångström", "日本語", "\u202eevil", "👩‍👩‍👧", "\u0000", "\ufeff", "line\nbreak\r\n", "a\tb", "\x7f",
	"https://example.com/", "https://user:pw@example.com:99999/#f", "javascript:alert(1)", "http://[::1", "urn:x:y",
	"a@b", "a@example.com",
	"2006-01-02T15:04:05Z", "9999-12-31T23:59:59.999999999+23:59", "0000-00-00", "2006-01-02", "24h", "-1s", "1e9h",
	"#fff", "*",
	"a b", "a,b", `\"`, "{{.}}", "$1", "en", "sha256$x", "00000000-0000-0000-0000-000000000000",
}

// dates are texts of the format date-time.
var dates = []string{"2006-01-02T15:04:05Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
	"2026-01-01T00:00:00+14:00", "1969-12-31T23:59:59.5-00:01"}

// text returns a text that the schema allows; one that exists, or means something, for most names that are known.
func (m *Maker) text(name string, s map[string]any) string {
	known := m.Known[name]
	if enum := list(s["enum"]); enum != nil {
		meant := slices.DeleteFunc(slices.Clone(enum), func(one any) bool { return !slices.Contains(known, one.(string)) })
		if len(meant) > 0 {
			enum = meant
		}
		return enum[m.Rand.IntN(len(enum))].(string)
	}
	switch {
	case len(known) > 0 && !m.oneIn(4):
		return m.choose(known)
	case s["format"] == "date-time":
		return m.choose(dates)
	}
	if all := list(s["examples"]); len(all) > 0 && m.oneIn(2) {
		if text, ok := all[0].(string); ok {
			return text
		}
	}
	text := m.choose(odd)
	most, bounded := s["maxLength"].(float64)
	if bounded && m.oneIn(10) {
		text = strings.Repeat(m.choose([]string{"x", "é", "👩"}), int(most))
	}
	for bounded && utf8.RuneCountInString(text) > int(most) {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
