package jsonapi

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// schema is a JSON Schema (2020-12), as far as it is needed.
type schema struct {
	Ref        string           `json:"$ref,omitempty"`
	Type       string           `json:"type,omitempty"`
	Text       string           `json:"description,omitempty"`
	Format     string           `json:"format,omitempty"`
	Enum       []string         `json:"enum,omitempty"`
	MaxLength  int              `json:"maxLength,omitempty"`
	Example    []string         `json:"examples,omitempty"`
	WriteOnly  bool             `json:"writeOnly,omitempty"`
	Properties ordered[*schema] `json:"properties,omitzero"`
	Required   []string         `json:"required,omitempty"`
	Closed     *bool            `json:"additionalProperties,omitempty"` // false: no others
	Items      *schema          `json:"items,omitempty"`
	AllOf      []*schema        `json:"allOf,omitempty"`
}

// input is the schema of what is sent: nothing else may be in it.
func input(v any) *schema {
	no := false
	s := object(reflect.TypeOf(v), true)
	s.Closed = &no
	return s
}

// output is the schema of what is answered: there may be more in it one day.
func output(v any) *schema { return object(reflect.TypeOf(v), false) }

func object(t reflect.Type, in bool) *schema {
	if t.Kind() == reflect.Pointer { // of an answer that may have no body
		t = t.Elem()
	}
	s := &schema{Type: "object"}
	for _, m := range members(t) {
		one := ofType(m.typ, in)
		one.Text, one.Format, one.Enum = m.tag.Get("doc"), m.tag.Get("format"), m.enum()
		if example := m.tag.Get("example"); example != "" {
			one.Example = []string{example}
		}
		if in && one.Type == "string" && one.Enum == nil {
			one.MaxLength = m.max()
		}
		one.WriteOnly = in && m.secret()
		s.Properties.add(m.name, one)
		if in && m.needed() || !in && !m.optional {
			s.Required = append(s.Required, m.name)
		}
	}
	return s
}

func ofType(t reflect.Type, in bool) *schema {
	switch {
	case t == rawMessage, t.Kind() == reflect.Interface, t.Kind() == reflect.Map:
		return &schema{Type: "object"}
	case t.Kind() == reflect.Pointer:
		return ofType(t.Elem(), in)
	case t.Kind() == reflect.String:
		return &schema{Type: "string"}
	case t.Kind() == reflect.Bool:
		return &schema{Type: "boolean"}
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return &schema{Type: "integer"}
	case t.Kind() == reflect.Slice:
		return &schema{Type: "array", Items: ofType(t.Elem(), in)}
	case t.Kind() == reflect.Struct:
		s := object(t, in)
		if no := false; in {
			s.Closed = &no
		}
		return s
	}
	panic("jsonapi: no schema for " + t.String())
}

// ordered is a JSON object whose members keep their order.
type ordered[V any] struct{ list []*named[V] }

type named[V any] struct {
	name  string
	value V
}

func (o *ordered[V]) add(name string, v V) { o.list = append(o.list, &named[V]{name, v}) }

func (o *ordered[V]) find(name string) *V {
	for _, m := range o.list {
		if m.name == name {
			return &m.value
		}
	}
	return nil
}

// IsZero leaves empty ones out.
func (o ordered[V]) IsZero() bool { return len(o.list) == 0 }

// MarshalJSON writes the object.
func (o ordered[V]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o.list {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
