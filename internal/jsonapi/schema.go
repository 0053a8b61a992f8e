package jsonapi

import (
	"reflect"
	"strconv"
)

// schema is a JSON Schema (2020-12), as far as it is needed.
type schema struct {
	Ref        string           `json:"$ref,omitempty"`
	Type       string           `json:"type,omitempty"`
	Text       string           `json:"description,omitempty"`
	Format     string           `json:"format,omitempty"`
	Enum       []string         `json:"enum,omitempty"`
	MaxLength  int              `json:"maxLength,omitempty"`
	Minimum    *int64           `json:"minimum,omitempty"`
	Maximum    *int64           `json:"maximum,omitempty"`
	MaxItems   int              `json:"maxItems,omitempty"`
	MaxEntries int              `json:"maxProperties,omitempty"`
	Example    []any            `json:"examples,omitempty"`
	WriteOnly  bool             `json:"writeOnly,omitempty"`
	Properties ordered[*schema] `json:"properties,omitzero"`
	Required   []string         `json:"required,omitempty"`
	// Others is what members beside Properties may be: false for none, or a schema.
	Others any       `json:"additionalProperties,omitempty"`
	Items  *schema   `json:"items,omitempty"`
	AllOf  []*schema `json:"allOf,omitempty"`
	AnyOf  []*schema `json:"anyOf,omitempty"`
	typ    reflect.Type
	in     bool
}

// input returns the schema of the body that is sent: nothing else may be in it.
func input(v any) *schema { return object(shapeOf(reflect.TypeOf(v), true), true) }

// output returns the schema of what is answered: there may be more in it one day.
func output(v any) *schema { return object(shapeOf(reflect.TypeOf(v), false), false) }

// object returns the schema of a struct: of its members in the body.
func object(s *shape, in bool) *schema {
	out := &schema{Type: "object", typ: s.typ, in: in}
	if in {
		out.Others = false
	}
	for _, m := range s.from(inBody) {
		out.Properties.add(m.name, m.schema(in))
		if in && m.need || !in && !m.optional {
			out.Required = append(out.Required, m.name)
		}
	}
	return out
}

// schema returns the schema of a member or parameter.
func (m member) schema(in bool) *schema {
	out := m.of(m.shape, in)
	out.Text, out.WriteOnly = m.doc, in && m.secret
	if m.format != "" {
		out.Format = m.format
	}
	if m.example != "" {
		out.Example = []any{m.exampleValue()}
	}
	return out
}

// exampleValue returns the example with its JSON type.
func (m member) exampleValue() any {
	switch m.shape.kind {
	case boolKind:
		return m.example == "true"
	case integerKind:
		if n, err := strconv.ParseInt(m.example, 10, 64); err == nil {
			return n
		}
	}
	return m.example
}

// of returns the schema of a shape with the bounds of the member.
func (m member) of(s *shape, in bool) *schema {
	out := &schema{Type: jsonTypes[s.kind]}
	if m.free {
		out.Type = ""
	}
	switch s.kind {
	case textKind, formKind:
		// What is answered has no closed list of values: another one, one day, would break generated programs.
		if in {
			out.Enum = m.enum
		}
		if in && m.enum == nil {
			out.MaxLength = m.max
		}
		if s.typ == timeType {
			out.Format, out.MaxLength = "date-time", 0
		}
	case integerKind:
		if in && m.bounded {
			out.Minimum, out.Maximum = &m.least, &m.most
		}
	case listKind:
		if out.Items = m.of(s.elem, in); in {
			out.MaxItems = m.items
		}
	case mapKind:
		if out.Others = m.of(s.elem, in); in {
			out.MaxEntries = m.items
		}
	case objectKind:
		return object(s, in)
	}
	return out
}

// jsonTypes are the types of JSON Schema that kinds have.
var jsonTypes = map[kind]string{
	textKind: "string", formKind: "string", boolKind: "boolean", integerKind: "integer", numberKind: "number",
	rawKind: "object", listKind: "array", mapKind: "object", objectKind: "object",
}
