package jsonapi

import (
	"bytes"
	"encoding/json"
)

// ordered is a JSON object whose members keep their order.
type ordered[V any] struct{ list []*named[V] }

type named[V any] struct {
	name  string
	value V
}

// add appends a value under a name. The caller does not add a name twice.
func (o *ordered[V]) add(name string, v V) { o.list = append(o.list, &named[V]{name, v}) }

// find returns a pointer to the value with that name, nil for none. It is valid until the next add.
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
