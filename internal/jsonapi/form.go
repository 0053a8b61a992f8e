package jsonapi

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const formType = "application/x-www-form-urlencoded"

// isForm reports whether the body of a request says that it is a form.
func isForm(r *http.Request) bool {
	typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && typ == formType && len(r.Header.Values("Content-Type")) == 1 &&
		r.Header.Get("Content-Encoding") == ""
}

// readForm returns a form as the object that JSON would give for the shape: true and false are truths, digits are
// numbers, a field of a list is there once for each entry, and objects are JSON. All other fields may be there once
// only, because two readers of one body must not see different values.
func (s *shape) readForm(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	body, err := ReadAll(w, r)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) > maxParts {
		return nil, malformed("The body isn't a form.")
	}
	kinds := map[string]kind{}
	for _, m := range s.members {
		if m.source == inBody {
			kinds[m.name] = m.shape.kind
		}
	}
	object := make(map[string]any, len(form))
	for name, values := range form {
		kind := kinds[name]
		if kind != listKind && len(values) > 1 {
			return nil, malformed("A field is there more than once.")
		}
		switch text := values[0]; {
		case strings.ToValidUTF8(text, "") != text:
			return nil, malformed("The form isn't in UTF-8.")
		case kind == listKind:
			list := make([]any, len(values))
			for i, text := range values {
				list[i] = text
			}
			object[name] = list
		case kind == boolKind && (text == "true" || text == "false"):
			object[name] = text == "true"
		case kind == integerKind || kind == numberKind:
			object[name] = json.Number(text)
		case kind == mapKind || kind == rawKind || kind == objectKind:
			object[name] = Value(text)
		default:
			object[name] = text
		}
	}
	return object, nil
}
