package main

import (
	"cmp"
	"encoding"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// recordReader reads YAML into records by their yaml tags. All that is wrong goes to
// faults.
type recordReader struct {
	file   string
	faults faults
	// nodes are what was read, by path: sign_up.mode, upstreams.0.issuer.
	nodes map[string]*yaml.Node
	// texts are the fields that records do not have, which names allows by their last part.
	texts map[string]string
	names []string
}

// read reads the node into the record at path.
func (r *recordReader) read(path string, n *yaml.Node, to reflect.Value) {
	r.nodes[path] = n
	switch {
	case to.Kind() == reflect.Struct && !isText(to):
		r.readStruct(path, n, to)
	case to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Struct:
		if n.Kind != yaml.SequenceNode {
			r.faults.at(r.file, n, "%s: want a list", path)
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), len(n.Content), len(n.Content)))
		for i, entry := range n.Content {
			r.read(path+"."+strconv.Itoa(i), target(entry), to.Index(i))
		}
	case to.Kind() == reflect.Map:
		to.Set(reflect.MakeMap(to.Type()))
		for key, val := range pairs(r.file, n, &r.faults) {
			if val.Kind != yaml.ScalarNode {
				r.faults.at(r.file, val, "%s.%s: want a text", path, key.Value)
				continue
			}
			to.SetMapIndex(reflect.ValueOf(key.Value), reflect.ValueOf(val.Value))
		}
	default:
		if err := setField(to, n); err != nil {
			r.faults.at(r.file, n, "%s: %v", path, err)
		}
		for i, entry := range n.Content { // of a list of texts
			r.nodes[path+"."+strconv.Itoa(i)] = entry
		}
	}
}

func (r *recordReader) readStruct(path string, n *yaml.Node, to reflect.Value) {
	fields := map[string]reflect.Value{}
	yamlFields(to, fields)
	for key, val := range pairs(r.file, n, &r.faults) {
		inner := strings.TrimPrefix(path+"."+key.Value, ".")
		field, known := fields[key.Value]
		switch {
		case known:
			r.read(inner, val, field)
		case slices.Contains(r.names, strings.TrimLeft(withoutNumbers(path)+"."+key.Value, ".")) && val.Kind == yaml.ScalarNode:
			r.nodes[inner], r.texts[inner] = val, val.Value
		default:
			names := slices.Collect(maps.Keys(fields))
			r.faults.at(r.file, key, "%s is nothing that can be set here%s: %s can", inner, meant(key.Value, names), strings.Join(slices.Sorted(slices.Values(names)), ", "))
		}
	}
}

// withoutNumbers is a path without the places in lists.
func withoutNumbers(path string) string {
	parts := strings.Split(path, ".")
	parts = slices.DeleteFunc(parts, func(p string) bool { _, err := strconv.Atoi(p); return err == nil })
	return strings.Join(parts, ".")
}

// wrong adds a fault of what was read at path, or of the entry that lacks it.
func (r *recordReader) wrong(path, message string) {
	n := r.nodes[""]
	for p := path; p != ""; p = p[:max(strings.LastIndexByte(p, '.'), 0)] {
		if at := r.nodes[p]; at != nil {
			n = at
			break
		}
	}
	r.faults.at(r.file, n, "%s: %s", path, message)
}

// yamlFields are the fields of a record, by name; those of embedded records too.
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

func isText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	return ok
}
