package declare

import (
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader reads YAML into a record by the yaml tags of its fields. It collects all faults.
type reader struct {
	file   string
	faults Faults
	// nodes are what was read, by path: sign_up.mode, upstreams.0.issuer.
	nodes map[string]*yaml.Node
	// unknown words the fault of a field that the record at the path does not have. names are those
	// that it has, in alphabetical order.
	unknown func(path, name string, names []string) string
}

// readRecord reads the node into the record, a pointer to a struct.
func readRecord(file string, n *yaml.Node, record any, unknown func(path, name string, names []string) string) *reader {
	r := &reader{file: file, nodes: map[string]*yaml.Node{}, unknown: unknown}
	r.read("", n, reflect.ValueOf(record).Elem())
	return r
}

// read reads the node into what the record has at the path.
func (r *reader) read(path string, n *yaml.Node, to reflect.Value) {
	r.nodes[path] = n
	switch {
	case readsItself(to):
		r.readField(path, n, to)
	case to.Kind() == reflect.Struct:
		r.readStruct(path, n, to)
	case to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Struct:
		r.readStructs(path, n, to)
	case to.Kind() == reflect.Map:
		r.readMap(path, n, to)
	default:
		r.readField(path, n, to)
	}
}

// readStruct reads a mapping into a struct. Names that are not fields are faults.
func (r *reader) readStruct(path string, n *yaml.Node, to reflect.Value) {
	fields := map[string]reflect.Value{}
	yamlFields(to, fields)
	for key, val := range pairs(r.file, n, &r.faults) {
		inner := strings.TrimPrefix(path+"."+key.Value, ".")
		if field, known := fields[key.Value]; known {
			r.read(inner, val, field)
			continue
		}
		r.faults.node(r.file, key, "%s", r.unknown(inner, key.Value, slices.Sorted(maps.Keys(fields))))
	}
}

// readStructs reads a list of mappings into a slice of structs.
func (r *reader) readStructs(path string, n *yaml.Node, to reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		r.faults.node(r.file, n, "%s: want a list", path)
		return
	}
	to.Set(reflect.MakeSlice(to.Type(), len(n.Content), len(n.Content)))
	for i, entry := range n.Content {
		r.read(path+"."+strconv.Itoa(i), target(entry), to.Index(i))
	}
}

// readMap reads a mapping of names to texts.
func (r *reader) readMap(path string, n *yaml.Node, to reflect.Value) {
	to.Set(reflect.MakeMap(to.Type()))
	for key, val := range pairs(r.file, n, &r.faults) {
		if val.Kind != yaml.ScalarNode {
			r.faults.node(r.file, val, "%s.%s: want a text", path, key.Value)
			continue
		}
		to.SetMapIndex(reflect.ValueOf(key.Value), reflect.ValueOf(val.Value))
	}
}

// readField reads a value into a field, and remembers the places of the elements of a list.
func (r *reader) readField(path string, n *yaml.Node, to reflect.Value) {
	if err := setField(to, n); err != nil {
		r.faults.node(r.file, n, "%s: %v", path, err)
	}
	for i, entry := range n.Content { // of a list of texts
		r.nodes[path+"."+strconv.Itoa(i)] = entry
	}
}

// wrong adds a fault of what was read at the path, or of the nearest entry around it when it is missing.
func (r *reader) wrong(path, format string, args ...any) {
	n := r.nodes[""]
	for p := path; p != ""; p = p[:max(strings.LastIndexByte(p, '.'), 0)] {
		if at := r.nodes[p]; at != nil {
			n = at
			break
		}
	}
	r.faults.node(r.file, n, "%s: %s", path, fmt.Sprintf(format, args...))
}

// yamlFields collects the fields of a record by name, and those of embedded records. A field takes the
// place of one with the same name that was embedded before it.
func yamlFields(record reflect.Value, to map[string]reflect.Value) {
	for f := range record.Type().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported():
		case f.Anonymous:
			yamlFields(record.FieldByIndex(f.Index), to)
		case name != "-":
			to[cmp.Or(name, strings.ToLower(f.Name))] = record.FieldByIndex(f.Index)
		}
	}
}

// readsItself reports whether the type reads its YAML itself.
func readsItself(v reflect.Value) bool {
	switch v.Addr().Interface().(type) {
	case nodeReader, encoding.TextUnmarshaler:
		return true
	}
	return false
}
