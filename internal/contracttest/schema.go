package contracttest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// judge compares values with schemas. A strict one also refuses members that a schema doesn't describe, although it
// allows them: an answer has none.
type judge struct {
	*Document
	strict bool
}

// value returns what is wrong with a value by a schema.
func (j judge) value(schema, value any, at string) (all []string) {
	s := j.resolve(schema)
	if len(s) == 0 {
		return nil
	}
	if choices := list(s["anyOf"]); choices != nil {
		return j.anyOf(choices, value, at)
	}
	for _, one := range list(s["allOf"]) {
		all = append(all, judge{j.Document, false}.value(one, value, at)...)
	}
	if typ, ok := s["type"].(string); ok && !isOfType(value, typ) {
		return append(all, fmt.Sprintf("%s is %v, want %s", at, value, typ))
	}
	if enum := list(s["enum"]); enum != nil && !slices.Contains(enum, value) {
		all = append(all, fmt.Sprintf("%s is %v, want one of %v", at, value, enum))
	}
	switch v := value.(type) {
	case map[string]any:
		all = append(all, j.object(s, v, at)...)
	case []any:
		all = append(all, exceeds(s["maxItems"], float64(len(v)), at)...)
		for i, one := range v {
			all = append(all, j.value(s["items"], one, fmt.Sprintf("%s/%d", at, i))...)
		}
	case string:
		all = append(all, text(s, v, at)...)
	case float64:
		all = append(all, exceeds(s["maximum"], v, at)...)
		if least, ok := s["minimum"].(float64); ok && v < least {
			all = append(all, fmt.Sprintf("%s is %v, want %v or more", at, v, least))
		}
	}
	return all
}

// resolve returns the schema that a reference leads to. A reference to nothing panics.
func (d *Document) resolve(schema any) map[string]any {
	s := object(schema)
	ref, ok := s["$ref"].(string)
	if !ok {
		return s
	}
	named := object(d.schemas[ref[strings.LastIndexByte(ref, '/')+1:]])
	if named == nil {
		panic("the document has no " + ref)
	}
	return named
}

func (j judge) anyOf(choices []any, value any, at string) (all []string) {
	for _, one := range choices {
		wrong := j.value(one, value, at)
		if len(wrong) == 0 {
			return nil
		}
		all = append(all, wrong...)
	}
	return all
}

func exceeds(most any, n float64, at string) []string {
	if limit, ok := most.(float64); ok && n > limit {
		return []string{fmt.Sprintf("%s is or has %v, want at most %v", at, n, limit)}
	}
	return nil
}

func text(s map[string]any, v, at string) []string {
	if s["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return []string{at + " is no date-time: " + v}
		}
	}
	if s["format"] == "date" {
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return []string{at + " is no date: " + v}
		}
	}
	return exceeds(s["maxLength"], float64(utf8.RuneCountInString(v)), at)
}

func (j judge) object(s, v map[string]any, at string) (all []string) {
	for _, name := range list(s["required"]) {
		if _, ok := v[name.(string)]; !ok {
			all = append(all, fmt.Sprintf("%s has no %s", at, name))
		}
	}
	all = append(all, exceeds(s["maxProperties"], float64(len(v)), at)...)
	properties := object(s["properties"])
	for _, name := range slices.Sorted(maps.Keys(v)) {
		property, described := properties[name]
		others, open := s["additionalProperties"]
		switch {
		case described:
			all = append(all, j.value(property, v[name], at+"/"+name)...)
		case open && others != false:
			all = append(all, j.value(others, v[name], at+"/"+name)...)
		case open, j.strict && properties != nil:
			all = append(all, fmt.Sprintf("%s has %s, which is not described", at, name))
		}
	}
	return all
}

func isOfType(v any, typ string) bool {
	switch v := v.(type) {
	case nil:
		return typ == "null"
	case string:
		return typ == "string"
	case bool:
		return typ == "boolean"
	case float64:
		return typ == "number" || typ == "integer" && v == float64(int64(v))
	case []any:
		return typ == "array"
	case map[string]any:
		return typ == "object"
	}
	return false
}
