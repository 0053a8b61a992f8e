package jsonapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
)

// parameters puts what stands in the path, the query and the headers into the struct v.
func (b *binder) parameters(v reflect.Value, s *shape, r *http.Request) error {
	query, err := queryOf(r, s)
	if err != nil {
		return err
	}
	for i := range s.members {
		m := &s.members[i]
		switch m.source {
		case inPath:
			b.value(v.FieldByIndex(m.index), wordValue(m.shape, r.PathValue(m.name)), m.shape, m, parameter(m.name))
		case inQuery:
			b.query(v, m, query[m.name])
			delete(query, m.name)
		case inHeader:
			c, err := conditionOf(r)
			if err != nil {
				return err
			}
			v.FieldByIndex(m.index).Set(reflect.ValueOf(c))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		b.fault(parameter(legible(name)), "unknown", "There's no such parameter.")
	}
	return nil
}

// queryOf returns the parameters of the query. An operation that has none gets none: what
// belongs in the body must not be in the URL.
func queryOf(r *http.Request, s *shape) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	if !slices.ContainsFunc(s.members, func(m member) bool { return m.source == inQuery }) {
		return nil, errQuery
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed("The query of the URL can't be read.")
	}
	return query, nil
}

// errQuery refuses a query at an operation that takes none: a client that sends a password there is told before the URL
// is in more logs.
var errQuery = &Problem{
	Status: http.StatusBadRequest, Code: "invalid_request",
	Detail: "Send everything in the body. URLs end up in logs.",
}

// query puts a parameter of the query into its field. A list is written as several parameters
// of one name.
func (b *binder) query(v reflect.Value, m *member, words []string) {
	at, field := parameter(m.name), v.FieldByIndex(m.index)
	switch {
	case len(words) == 0 && m.need:
		b.fault(at, "missing", "This is missing.")
	case len(words) == 0:
	case m.shape.kind == listKind:
		list := make([]any, len(words))
		for i, word := range words {
			list[i] = wordValue(m.shape.elem, word)
		}
		b.value(field, list, m.shape, m, at)
	case len(words) > 1:
		b.fault(at, "repeated", "This can be sent only once.")
	default:
		b.value(field, wordValue(m.shape, words[0]), m.shape, m, at)
	}
}

// numbers are those of JSON (RFC 8259 section 6).
var numbers = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// wordValue returns the JSON value that a word of a URL stands for; the word itself when it is
// none of the kind that the shape asks for.
func wordValue(s *shape, word string) any {
	switch s.kind {
	case boolKind:
		if truth, err := strconv.ParseBool(word); err == nil && strconv.FormatBool(truth) == word {
			return truth
		}
	case integerKind, numberKind:
		if numbers.MatchString(word) {
			return json.Number(word)
		}
	}
	return word
}
