package jsonapi

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxText  = 1024 // bytes of a text whose field says nothing else
	maxItems = 100  // entries of a list or map whose field says nothing else
	// maxExact is the largest integer that every reader of JSON holds exactly (RFC 8259 section 6).
	maxExact = 1<<53 - 1
)

// kind is what a Go type is in JSON.
type kind int

const (
	textKind    kind = iota // a string
	formKind                // a string that the type itself reads, by encoding.TextUnmarshaler
	boolKind                // true or false
	integerKind             // a number without fraction and exponent
	numberKind              // any number
	rawKind                 // json.RawMessage: an object that the operation reads itself
	anyKind                 // an interface: for outputs alone
	listKind
	mapKind
	objectKind
)

// shape is how a Go type is read from JSON and described. It is made once for each type.
type shape struct {
	kind    kind
	typ     reflect.Type // without pointers
	pointer bool         // the field is a pointer, which tells "absent" from "zero"
	elem    *shape       // of lists and maps
	members []member     // of objects
}

var (
	rawMessage      = reflect.TypeFor[json.RawMessage]()
	timeType        = reflect.TypeFor[time.Time]()
	conditionType   = reflect.TypeFor[Condition]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
)

// shapes has the shapes that were made, by type and direction.
var shapes sync.Map

// shapeKey is a key of shapes. An input and an output of one type differ: an input has no interfaces, and reads texts
// by other methods.
type shapeKey struct {
	typ reflect.Type
	in  bool
}

// shapeOf returns the shape of a struct type: of an input (in), or of an output. It panics when
// the type has a field that the package cannot read or describe. That is a mistake in the
// program, which Handle finds when the program starts.
func shapeOf(t reflect.Type, in bool) *shape {
	key := shapeKey{t, in}
	if s, ok := shapes.Load(key); ok {
		return s.(*shape)
	}
	b := builder{in: in, path: t.String()}
	s := b.shape(t)
	if s.kind != objectKind {
		b.refuse("is no struct")
	}
	shapes.Store(key, s)
	return s
}

// builder makes shapes.
type builder struct {
	in    bool
	path  string         // of the field that it looks at, for panics
	above []reflect.Type // the structs that hold it
}

// refuse panics with the path of the field: an operation that cannot be described is a mistake in the program.
func (b builder) refuse(format string, args ...any) {
	panic("jsonapi: " + b.path + " " + fmt.Sprintf(format, args...))
}

// shape returns the shape of a type, with those of all that it holds.
func (b builder) shape(t reflect.Type) *shape {
	s := &shape{typ: t}
	if t.Kind() == reflect.Pointer {
		s.pointer, s.typ = true, t.Elem()
	}
	s.kind = b.kind(s.typ)
	switch s.kind {
	case listKind:
		s.elem = b.at("[]").shape(s.typ.Elem())
	case mapKind:
		if s.typ.Key().Kind() != reflect.String {
			b.refuse("is a map whose keys are no strings")
		}
		s.elem = b.at("{}").shape(s.typ.Elem())
	case objectKind:
		if slices.Contains(b.above, s.typ) {
			b.refuse("contains itself")
		}
		b.above = append(slices.Clip(b.above), s.typ)
		s.members = b.members(s.typ)
	}
	if s.elem != nil && s.elem.pointer && b.in {
		b.refuse("has pointers in a list or map: null is no value of an input")
	}
	return s
}

// at returns the builder for a field, or for what a list or map holds.
func (b builder) at(name string) builder {
	b.path += "." + name
	return b
}

// kind returns what a type is in JSON. It panics for types that have no form there, such as channels.
func (b builder) kind(t reflect.Type) kind {
	switch {
	case t == rawMessage:
		return rawKind
	case b.in && reflect.PointerTo(t).Implements(textUnmarshaler), !b.in && t.Implements(textMarshaler):
		return formKind
	}
	switch t.Kind() {
	case reflect.String:
		return textKind
	case reflect.Bool:
		return boolKind
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return integerKind
	case reflect.Float32, reflect.Float64:
		return numberKind
	case reflect.Slice:
		return listKind
	case reflect.Map:
		return mapKind
	case reflect.Struct:
		return objectKind
	case reflect.Interface:
		if !b.in {
			return anyKind
		}
	}
	b.refuse("is of type %s, which has no place in JSON here", t)
	return 0
}

// member is a field of an input or output.
type member struct {
	name     string
	source   source
	optional bool // omitempty or omitzero, for outputs
	index    []int
	shape    *shape

	doc, format, example string
	need, secret, free   bool
	enum                 []string
	max                  int   // bytes of each text
	items                int   // entries of a list or map
	least, most          int64 // of integers
	bounded              bool  // the field says least or most itself
}

// source is where a member of an input comes from.
type source string

const (
	inBody   source = "body"
	inPath   source = "path"
	inQuery  source = "query"
	inHeader source = "header" // a Condition
)

// members returns the fields of a struct in their order, with those of embedded structs.
func (b builder) members(t reflect.Type) []member {
	var all []member
	for _, f := range reflect.VisibleFields(t) {
		at := b.at(f.Name)
		from, name, options := sourceOf(f)
		switch {
		case f.Type == conditionType && b.in:
			all = append(all, member{source: inHeader, index: f.Index})
			continue
		case b.in && f.Anonymous && f.Type.Kind() == reflect.Pointer:
			at.refuse("is an embedded pointer")
		case f.Anonymous || !f.IsExported() || name == "" || name == "-":
			continue
		case from != inBody && (!b.in || len(b.above) > 1):
			at.refuse("is a parameter, and stands in no input itself")
		case slices.ContainsFunc(all, func(m member) bool { return m.name == name }):
			at.refuse("has the name %q, which another field has", name)
		}
		m := member{name: name, source: from, index: f.Index, shape: at.shape(f.Type)}
		m.optional = strings.Contains(options, "omit")
		at.describe(&m, f.Tag)
		all = append(all, m)
	}
	return all
}

// sourceOf reads from a field's tags where it comes from, and its name there.
func sourceOf(f reflect.StructField) (from source, name, options string) {
	for _, from := range []source{inPath, inQuery} {
		if name := f.Tag.Get(string(from)); name != "" {
			return from, name, ""
		}
	}
	name, options, _ = strings.Cut(f.Tag.Get("json"), ",")
	return inBody, name, options
}

// describe reads the tags that say what a member may hold.
func (b builder) describe(m *member, tag reflect.StructTag) {
	text, deep := m.shape.deepest(textKind, formKind), m.shape
	for deep.elem != nil {
		deep = deep.elem
	}
	m.doc, m.format, m.example = tag.Get("doc"), tag.Get("format"), tag.Get("example")
	m.need, m.secret, m.free = b.truth(tag, "need"), b.truth(tag, "secret"), b.truth(tag, "free")
	m.max, m.items = maxText, maxItems
	m.least, m.most = deep.integers()
	if list := tag.Get("enum"); list != "" {
		if m.enum = strings.Split(list, ","); deep.kind != textKind {
			b.refuse("has an enum, and is no text")
		}
	}
	if n, ok := b.number(tag, "max"); ok {
		if m.max = int(n); n < 1 || !text {
			b.refuse("has the max %d: that is for texts, in bytes", n)
		}
	}
	if n, ok := b.number(tag, "items"); ok {
		if m.items = int(n); n < 1 || m.shape.elem == nil {
			b.refuse("has the items %d: that is for lists and maps", n)
		}
	}
	b.bound(m, tag, "least", &m.least, deep)
	b.bound(m, tag, "most", &m.most, deep)
	if m.secret && m.source != inBody {
		b.refuse("is secret, and in the URL, which is written to logs")
	}
	if m.source != inBody && !m.fitsURL() {
		b.refuse("is a parameter of a type that URLs do not have")
	}
}

// bound reads a bound of an integer.
func (b builder) bound(m *member, tag reflect.StructTag, name string, bound *int64, deep *shape) {
	n, ok := b.number(tag, name)
	if !ok {
		return
	}
	if n < m.least || n > m.most || deep.kind != integerKind {
		b.refuse("has the %s %d: that is for integers, within their type", name, n)
	}
	*bound, m.bounded = n, true
}

// fitsURL reports whether a parameter is a single value or, in the query, a list of such values.
func (m *member) fitsURL() bool {
	s := m.shape
	if m.source == inPath && s.pointer {
		return false
	}
	if m.source == inQuery && s.kind == listKind {
		s = s.elem
	}
	return s.kind <= numberKind
}

// truth reads a tag that is true or missing, such as need.
func (b builder) truth(tag reflect.StructTag, name string) bool {
	switch v := tag.Get(name); v {
	case "", "true":
		return v == "true"
	default:
		b.refuse("has the tag %s with %q in place of true", name, v)
		return false
	}
}

// number reads a tag that is a number, such as max, and reports whether there is one.
func (b builder) number(tag reflect.StructTag, name string) (int64, bool) {
	text, ok := tag.Lookup(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		b.refuse("has the tag %s with %q, which is no number", name, text)
	}
	return n, true
}

// deepest reports whether what the lists and maps hold in the end is of one of the kinds.
func (s *shape) deepest(kinds ...kind) bool {
	for s.elem != nil {
		s = s.elem
	}
	return slices.Contains(kinds, s.kind)
}

// integers returns the bounds of an integer type, within what JSON holds exactly.
func (s *shape) integers() (least, most int64) {
	if s.kind != integerKind {
		return 0, 0
	}
	bits := s.typ.Bits()
	switch s.typ.Kind() {
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if bits >= 54 {
			return 0, maxExact
		}
		return 0, 1<<bits - 1
	}
	if bits >= 54 {
		return -maxExact, maxExact
	}
	return -1 << (bits - 1), math.MaxInt64 >> (64 - bits)
}

// from returns the members of that source.
func (s *shape) from(from source) []member {
	var out []member
	for _, m := range s.members {
		if m.source == from {
			out = append(out, m)
		}
	}
	return out
}
