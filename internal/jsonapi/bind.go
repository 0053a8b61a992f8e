package jsonapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// maxText bounds texts whose field says nothing else, in bytes.
const maxText = 1024

var rawMessage = reflect.TypeFor[json.RawMessage]()

// member is a field of an input or output.
type member struct {
	name     string
	optional bool // omitempty, for outputs
	typ      reflect.Type
	index    []int
	tag      reflect.StructTag
}

func (m member) needed() bool { return m.tag.Get("need") == "true" }
func (m member) secret() bool { return m.tag.Get("secret") == "true" }
func (m member) max() int {
	if n, err := strconv.Atoi(m.tag.Get("max")); err == nil {
		return n
	}
	return maxText
}

func (m member) enum() []string {
	if list := m.tag.Get("enum"); list != "" {
		return strings.Split(list, ",")
	}
	return nil
}

// members are the fields of a struct, those of embedded ones among them, in their order.
func members(t reflect.Type) []member {
	var all []member
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "" || name == "-" {
			continue
		}
		all = append(all, member{name, strings.Contains(options, "omitempty"), f.Type, f.Index, f.Tag})
	}
	return all
}

// bind puts the object's members where they belong in the struct.
func bind(v reflect.Value, object map[string]any, path string, faults *[]Fault) {
	known := map[string]bool{}
	for _, m := range members(v.Type()) {
		known[m.name] = true
		value, there := object[m.name]
		switch {
		case there:
			bindOne(v.FieldByIndex(m.index), value, m, path+m.name, faults)
		case m.needed():
			*faults = append(*faults, Fault{path + m.name, "missing", "This is missing."})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !known[name] {
			*faults = append(*faults, Fault{path + legible(name), "unknown", "There is no such member here."})
		}
	}
}

func bindOne(field reflect.Value, value any, m member, path string, faults *[]Fault) {
	fault := func(code, format string, args ...any) {
		*faults = append(*faults, Fault{path, code, fmt.Sprintf(format, args...)})
	}
	switch {
	case m.typ == rawMessage:
		object, ok := value.(map[string]any)
		if !ok {
			fault("type", "This has to be an object.")
			return
		}
		raw, err := json.Marshal(object) // in one spelling, of one meaning
		if err != nil {
			fault("type", "This has to be an object.")
			return
		}
		field.SetBytes(raw)
	case m.typ.Kind() == reflect.String:
		s, ok := value.(string)
		switch enum := m.enum(); {
		case !ok:
			fault("type", "This has to be a string.")
		case len(s) > m.max():
			fault("too_long", "This may have %d bytes.", m.max())
		case !m.secret() && strings.ContainsRune(s, 0):
			fault("invalid", "This has a character that is not allowed.")
		case m.needed() && s == "":
			fault("missing", "This is missing.")
		case enum != nil && !slices.Contains(enum, s):
			fault("invalid", "This has to be one of: %s.", strings.Join(enum, ", "))
		default:
			field.SetString(s)
		}
	case m.typ.Kind() == reflect.Bool:
		b, ok := value.(bool)
		if !ok {
			fault("type", "This has to be true or false.")
		}
		field.SetBool(b)
	case m.typ.Kind() == reflect.Pointer && m.typ.Elem().Kind() == reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			fault("type", "This has to be an object.")
			return
		}
		field.Set(reflect.New(m.typ.Elem()))
		bind(field.Elem(), object, path+".", faults)
	case m.typ.Kind() == reflect.Pointer && m.typ.Elem().Kind() == reflect.String: // one that may be left as it is
		s := member{name: m.name, typ: m.typ.Elem(), tag: m.tag}
		p := reflect.New(m.typ.Elem())
		bindOne(p.Elem(), value, s, path, faults)
		field.Set(p)
	default:
		panic("jsonapi: " + path + " is of a type that no input has")
	}
}

// legible is a name that a client made up, fit to be sent back.
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
