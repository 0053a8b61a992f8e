// Package diff lists what differs between two versions of a record, for operators who want to know
// what a file would change. Callers leave secrets out, or name them without their value.
package diff

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// Field is the change of one field. From is nil when the field is added, To when it is removed.
type Field struct {
	Name string `json:"name"`
	From any    `json:"from,omitempty"`
	To   any    `json:"to,omitempty"`
}

// Fields are the changes of a record, in its own order.
type Fields []Field

// Add adds the field if its values differ in what they are as JSON.
func (fs *Fields) Add(name string, from, to any) {
	a, b := value(from), value(to)
	if !bytes.Equal(a, b) {
		*fs = append(*fs, Field{name, orNil(a), orNil(b)})
	}
}

// AddStruct adds the fields in which two structs of one type differ, by their json names. skip names
// fields to leave out.
func (fs *Fields) AddStruct(from, to any, skip string) {
	a, b := reflect.ValueOf(from), reflect.ValueOf(to)
	for f := range a.Type().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "-" && name != skip {
			fs.Add(name, a.FieldByIndex(f.Index).Interface(), b.FieldByIndex(f.Index).Interface())
		}
	}
}

// value returns v as JSON, or nil when it is empty: nil, a zero value and a list or struct without
// content are the same.
func value(v any) []byte {
	r := reflect.ValueOf(v)
	if v == nil || r.IsZero() || r.Kind() == reflect.Slice && r.Len() == 0 {
		return nil
	}
	if raw, ok := v.(json.RawMessage); ok {
		// The database may have put the members into another order.
		var parsed any
		if json.Unmarshal(raw, &parsed) == nil {
			v = parsed
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // & is common in URLs, and operators read this
	if enc.Encode(v) != nil {
		return nil
	}
	if raw := bytes.TrimSpace(buf.Bytes()); string(raw) != "{}" {
		return raw
	}
	return nil
}

func orNil(raw []byte) any {
	if raw == nil {
		return nil
	}
	return json.RawMessage(raw)
}
