package jsonapi

import (
	"encoding"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// binder puts values into fields, and gathers what is wrong with them.
type binder struct{ faults []Fault }

// fault adds what is wrong at a place. Binding goes on, so that a client is told of all faults at once.
func (b *binder) fault(at place, code, format string, args ...any) {
	b.faults = append(b.faults, at.fault(code, format, args...))
}

// object puts the members of a JSON object into the struct v of shape s.
func (b *binder) object(v reflect.Value, object map[string]any, s *shape, at place) {
	known := map[string]bool{}
	for i := range s.members {
		m := &s.members[i]
		if m.source != inBody {
			continue
		}
		known[m.name] = true
		b.member(v, m, object, at.member(m.name))
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !known[name] {
			b.fault(at.member(legible(name)), "unknown", "There's no such member.")
		}
	}
}

// member puts a member into its field when it is there.
func (b *binder) member(v reflect.Value, m *member, object map[string]any, at place) {
	value, there := object[m.name]
	switch {
	case there:
		b.value(v.FieldByIndex(m.index), value, m.shape, m, at)
	case m.need:
		b.fault(at, "missing", "This is missing.")
	}
}

// value puts a JSON value into a field of shape s. m has the bounds of what is in it.
func (b *binder) value(field reflect.Value, value any, s *shape, m *member, at place) {
	if s.pointer {
		field.Set(reflect.New(s.typ))
		field = field.Elem()
	}
	switch s.kind {
	case textKind:
		if text, ok := b.text(value, m, at); ok {
			field.SetString(text)
		}
	case formKind:
		b.form(field, value, s, m, at)
	case boolKind:
		truth, ok := value.(bool)
		if !ok {
			b.fault(at, "type", "This must be true or false.")
		}
		field.SetBool(truth)
	case integerKind:
		b.integer(field, value, m, at)
	case numberKind:
		b.number(field, value, s, at)
	case listKind:
		b.list(field, value, s, m, at)
	case mapKind:
		b.entries(field, value, s, m, at)
	case rawKind, objectKind:
		b.nested(field, value, s, m, at)
	}
}

// text returns a string within the bounds of m.
func (b *binder) text(value any, m *member, at place) (string, bool) {
	text, ok := value.(string)
	switch {
	case !ok:
		b.fault(at, "type", "This must be a string.")
	case len(text) > m.max:
		b.fault(at, "too_long", "This can have at most %d bytes.", m.max)
	case !m.secret && strings.ContainsRune(text, 0):
		b.fault(at, "invalid", "This contains a character that isn't allowed.")
	case m.need && text == "":
		b.fault(at, "missing", "This is missing.")
	case m.enum != nil && !slices.Contains(m.enum, text):
		b.fault(at, "invalid", "This must be one of: %s.", strings.Join(m.enum, ", "))
	default:
		return text, true
	}
	return "", false
}

// form lets the type read the text itself. Its error may quote the text: it is not shown.
func (b *binder) form(field reflect.Value, value any, s *shape, m *member, at place) {
	text, ok := b.text(value, m, at)
	if !ok {
		return
	}
	if err := field.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err == nil {
		return
	}
	field.SetZero()
	if s.typ == timeType {
		b.fault(at, "invalid", "This must be a time, such as 2006-01-02T15:04:05Z (RFC 3339).")
		return
	}
	b.fault(at, "invalid", "This doesn't have the form that the reference describes.")
}

// integer reads a number without fraction and exponent: 1.0 and 1e3 are refused.
func (b *binder) integer(field reflect.Value, value any, m *member, at place) {
	number, ok := value.(json.Number)
	if !ok || strings.ContainsAny(string(number), ".eE") {
		b.fault(at, "type", "This must be an integer.")
		return
	}
	n, err := strconv.ParseInt(string(number), 10, 64)
	switch {
	case err != nil, n < m.least, n > m.most:
		b.fault(at, "invalid", "This must be from %d to %d.", m.least, m.most)
	case field.CanUint():
		field.SetUint(uint64(n))
	default:
		field.SetInt(n)
	}
}

// number puts a JSON number into a field of a floating-point type.
func (b *binder) number(field reflect.Value, value any, s *shape, at place) {
	number, ok := value.(json.Number)
	if !ok {
		b.fault(at, "type", "This must be a number.")
		return
	}
	f, err := strconv.ParseFloat(string(number), s.typ.Bits())
	if err != nil || math.IsInf(f, 0) {
		b.fault(at, "invalid", "This number is too large.")
		return
	}
	field.SetFloat(f)
}

// sized reports whether a list or an object may have n entries. If not, it adds the fault.
func (b *binder) sized(n int, m *member, at place) bool {
	switch {
	case m.need && n == 0:
		b.fault(at, "missing", "This is missing.")
	case n > m.items:
		b.fault(at, "too_many", "This can have at most %d entries.", m.items)
	default:
		return true
	}
	return false
}

// list puts a JSON list into a field that is a slice, element by element.
func (b *binder) list(field reflect.Value, value any, s *shape, m *member, at place) {
	list, ok := value.([]any)
	if !ok {
		b.fault(at, "type", "This must be a list.")
		return
	}
	if !b.sized(len(list), m, at) {
		return
	}
	field.Set(reflect.MakeSlice(s.typ, len(list), len(list)))
	for i, value := range list {
		b.value(field.Index(i), value, s.elem, m, at.member(strconv.Itoa(i)))
	}
}

// entries puts a JSON object into a field that is a map. Names of entries are bounded as texts are: they are chosen by
// the client.
func (b *binder) entries(field reflect.Value, value any, s *shape, m *member, at place) {
	object, ok := value.(map[string]any)
	if !ok {
		b.fault(at, "type", "This must be an object.")
		return
	}
	if !b.sized(len(object), m, at) {
		return
	}
	field.Set(reflect.MakeMapWithSize(s.typ, len(object)))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := at.member(legible(name))
		if len(name) > maxText || strings.ContainsRune(name, 0) {
			b.fault(at, "invalid", "This name is too long, or contains a character that isn't allowed.")
			continue
		}
		elem := reflect.New(s.typ.Elem()).Elem()
		b.value(elem, object[name], s.elem, m, at)
		field.SetMapIndex(reflect.ValueOf(name).Convert(s.typ.Key()), elem)
	}
}

// nested puts an object into a struct, or into a json.RawMessage in one spelling.
func (b *binder) nested(field reflect.Value, value any, s *shape, m *member, at place) {
	object, ok := value.(map[string]any)
	if !ok && (s.kind == objectKind || !m.free || value == nil) {
		b.fault(at, "type", "This must be an object.")
		return
	}
	if s.kind == objectKind {
		b.object(field, object, s, at)
		return
	}
	raw, err := json.Marshal(value)
	if err != nil {
		b.fault(at, "type", "This must be an object.")
		return
	}
	field.SetBytes(raw)
}

// legible returns a name that a client made up in a form that is fit to be sent back.
func legible(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, name)
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	return name
}
