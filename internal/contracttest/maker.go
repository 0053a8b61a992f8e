package contracttest

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
)

// Maker makes requests of a document at random: the same ones for the same Rand.
type Maker struct {
	*Document
	Rand *rand.Rand
	// Known are values that exist, or that mean something, by the names of parameters and members.
	Known map[string][]string
	// sparse says that the request at hand has little that is optional.
	sparse bool
}

// Request is a request that a Maker made.
type Request struct {
	Path string // with its query
	// Type is the body's content type, "" if there is no body.
	Type, Body string
	Header     map[string]string
	// Wrong is what in the query or the body breaks the document. An API has to refuse such a request.
	Wrong []string
}

// Request returns a request of the operation. About half of them break the document.
func (m *Maker) Request(o Operation) Request {
	m.sparse = m.oneIn(2)
	r := Request{Path: o.Path, Header: map[string]string{}}
	query := url.Values{}
	for _, p := range list(o.spec["parameters"]) {
		m.parameter(&r, query, object(p))
	}
	if len(query) > 0 && m.oneIn(12) {
		query.Set("unheard-of", "1")
		r.Wrong = append(r.Wrong, "the query has an unknown parameter")
	}
	if len(query) > 0 {
		r.Path += "?" + query.Encode()
	}
	if body := object(o.spec["requestBody"]); body != nil {
		m.body(&r, object(body["content"]))
	}
	return r
}

// oneIn reports true once in n times.
func (m *Maker) oneIn(n int) bool { return m.Rand.IntN(n) == 0 }

// parameter adds a parameter to the request.
func (m *Maker) parameter(r *Request, query url.Values, p map[string]any) {
	name, _ := p["name"].(string)
	schema := m.resolve(p["schema"])
	switch p["in"] {
	case "path":
		text := m.text(name, schema)
		if text == "" || m.oneIn(30) {
			text = "none"
		}
		r.Path = strings.ReplaceAll(r.Path, "{"+name+"}", url.PathEscape(text))
	case "header":
		if m.oneIn(3) {
			r.Header[name] = m.choose(append([]string{"*", `"0"`, `W/"0"`, "nonsense"}, m.Known[name]...))
		}
	case "query":
		if p["required"] == true || m.oneIn(3) {
			m.query(r, query, name, schema)
		}
	}
}

// query adds a parameter of the query.
func (m *Maker) query(r *Request, query url.Values, name string, schema map[string]any) {
	value := m.value(schema, name, 0)
	for _, one := range append(list(value), value) {
		if _, many := one.([]any); !many {
			query.Add(name, written(one))
		}
	}
	wrong := judge{m.Document, false}.value(schema, value, name)
	if typ := schema["type"]; m.oneIn(8) && (typ == "integer" || typ == "boolean") {
		query.Set(name, m.choose([]string{"x", "1.5", "TRUE", "", "1e1", "9999999999999999999", "-0x1"}))
		wrong = []string{name + " is of another type"}
	}
	r.Wrong = append(r.Wrong, wrong...)
}

// written returns a value as it stands in a query.
func written(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// body adds a body to the request.
func (m *Maker) body(r *Request, content map[string]any) {
	for typ, media := range content {
		r.Type = typ
		schema := object(media)["schema"]
		value := m.value(schema, "", 0)
		if m.oneIn(3) {
			value = m.spoiled(value)
		}
		r.Body = written(value)
		r.Wrong = append(r.Wrong, judge{m.Document, false}.value(schema, value, "")...)
	}
	if m.oneIn(15) {
		r.Body = m.choose(broken)
		r.Wrong = append(r.Wrong, "the body is no JSON object")
	}
	if m.oneIn(25) {
		r.Type = m.choose([]string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=x", "x"})
		r.Wrong = append(r.Wrong, "the body is of another type")
	}
}

// broken are bodies that no operation takes.
var broken = []string{
	"", "{", "[]", "null", "7", `"text"`, "{}{}", `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", `{"id":"\ud800"}`,
	"\xef\xbb\xbf{}", "{'a':1}",
	`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", `{"a":NaN}`, `{"a":01}`, "{\"a\":\"\x00\"}",
}

// spoiled returns the value with one member replaced, removed or added somewhere in it.
func (m *Maker) spoiled(value any) any {
	switch v := value.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		if len(names) == 0 || m.oneIn(6) {
			v[m.choose([]string{"unheard-of", "", "ID", "__proto__", "$ref", "a.b", "a/b~c", "é"})] = m.stray()
			return v
		}
		name := names[m.Rand.IntN(len(names))]
		if m.oneIn(6) {
			delete(v, name)
			return v
		}
		v[name] = m.spoiled(v[name])
		return v
	case []any:
		if len(v) > 0 && m.oneIn(2) {
			v[0] = m.spoiled(v[0])
			return v
		}
	}
	return m.stray()
}

// stray returns a value of any type.
func (m *Maker) stray() any {
	all := []any{nil, true, 7.0, -1.5, 1e300, "", "text", "\x00", strings.Repeat("é", 40000), []any{}, []any{nil},
		map[string]any{}, map[string]any{"": nil}, []any{map[string]any{"a": []any{1.0}}}}
	return all[m.Rand.IntN(len(all))]
}

// choose returns one of the texts.
func (m *Maker) choose(all []string) string { return all[m.Rand.IntN(len(all))] }
