package jsonapi

import (
	"reflect"
	"strings"
	"unicode"
)

// NameSchemas gives the schemas of structs names in the components of the document, and refers to them by these.
// Generated clients have types of these names. A type that is both sent and answered has two schemas, because
// nothing unknown may be sent: the one that is sent ends in Input.
func (d *Document) NameSchemas() {
	n := namer{d.Components.Schemas, map[string]schemaKey{problemSchema: {reflect.TypeFor[Problem](), false}}}
	n.within(d.Components.Schemas[problemSchema])
	for _, path := range d.Paths.list {
		for _, c := range path.value.list {
			if c.value.Body != nil {
				n.media(c.value.Body.Content)
			}
			for _, r := range c.value.Responses.list {
				n.media(r.value.Content)
			}
		}
	}
}

// schemaKey tells schemas apart: a type has one where it is sent, and one where it is answered.
type schemaKey struct {
	typ reflect.Type
	in  bool
}

// namer moves schemas to the components.
type namer struct {
	schemas map[string]*schema
	taken   map[string]schemaKey
}

// media names the schemas of the bodies.
func (n namer) media(content map[string]media) {
	for typ, m := range content {
		content[typ] = media{n.named(m.Schema)}
	}
}

// named returns a reference to the schema if it is that of a type with a name, and otherwise the schema with
// references in it.
func (n namer) named(s *schema) *schema {
	if s == nil || s.Ref != "" {
		return s
	}
	n.within(s)
	name := schemaName(s)
	if name == "" {
		return s
	}
	key := schemaKey{s.typ, s.in}
	if had, ok := n.taken[name]; ok && had != key {
		panic("jsonapi: two schemas would be called " + name)
	}
	text := s.Text
	if n.taken[name] != key {
		n.taken[name] = key
		s.Text = ""
		n.schemas[name] = s
	}
	return &schema{Ref: "#/components/schemas/" + name, Text: text}
}

// within names the schemas in a schema.
func (n namer) within(s *schema) {
	for _, p := range s.Properties.list {
		p.value = n.named(p.value)
	}
	if s.Items != nil {
		s.Items = n.named(s.Items)
	}
	if below, ok := s.Others.(*schema); ok {
		s.Others = n.named(below)
	}
	for _, all := range [][]*schema{s.AllOf, s.AnyOf} {
		for i := range all {
			all[i] = n.named(all[i])
		}
	}
}

// schemaName returns the name of a type for a schema, such as User, or UserPage for a Page of users; "" for types
// without a name.
func schemaName(s *schema) string {
	if s.typ == nil || s.typ.Name() == "" {
		return ""
	}
	name, of, generic := strings.Cut(s.typ.Name(), "[")
	if generic {
		of = strings.TrimSuffix(of, "]")
		name = upper(of[strings.LastIndexByte(of, '.')+1:]) + upper(name)
	}
	name = upper(name)
	if s.in {
		name += "Input"
	}
	return name
}

// upper returns the name with a capital letter at its beginning, as types of generated clients have it.
func upper(name string) string {
	r := []rune(name)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// patchOf returns the schema of a merge patch of what has the schema: nothing is required, and null removes.
func patchOf(s *schema) *schema {
	out := &schema{Type: "object", Others: s.Others}
	for _, p := range s.Properties.list {
		member := *p.value
		if member.Type == "object" && len(member.Properties.list) > 0 {
			member = *patchOf(p.value)
		}
		text := member.Text
		member.Text = ""
		out.Properties.add(p.name, &schema{Text: text, AnyOf: []*schema{&member, {Type: "null"}}})
	}
	return out
}
