package declare

import (
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// setField sets a field of a record to the value of a YAML node. Its error says what kind of value
// is wanted.
func setField(field reflect.Value, val *yaml.Node) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		return setField(field.Elem(), val)
	}
	switch own := field.Addr().Interface().(type) {
	case nodeReader:
		return own.readNode(val)
	case encoding.TextUnmarshaler:
		if val.Kind != yaml.ScalarNode {
			return errors.New("want a duration, such as 15m or 720h")
		}
		return own.UnmarshalText([]byte(val.Value))
	}
	switch field.Kind() {
	case reflect.Slice:
		return setTexts(field, val)
	case reflect.String:
		return setText(field, val)
	case reflect.Bool:
		if val.Value != "true" && val.Value != "false" {
			return errors.New("want true or false")
		}
		field.SetBool(val.Value == "true")
	case reflect.Int64, reflect.Int:
		return setNumber(field, val)
	default:
		panic("a kind of field that is not read: " + field.Type().String())
	}
	return nil
}

// setTexts sets a list of texts.
func setTexts(field reflect.Value, val *yaml.Node) error {
	texts, ok := textsOf(val)
	if !ok || val.Kind != yaml.SequenceNode {
		return fmt.Errorf("want a list, such as [%s]", cmp.Or(val.Value, "one, two"))
	}
	field.Set(reflect.ValueOf(texts))
	return nil
}

// setText sets a text.
func setText(field reflect.Value, val *yaml.Node) error {
	if val.Kind == yaml.ScalarNode && !isNull(val) {
		field.SetString(val.Value)
		return nil
	}
	if texts, ok := textsOf(val); ok && len(texts) > 0 && texts[0] != "" {
		return fmt.Errorf("want text, not a list: write %s", strings.Join(texts, " "))
	}
	return errors.New("want text")
}

// setNumber sets a whole number that is not negative.
func setNumber(field reflect.Value, val *yaml.Node) error {
	var n int64
	if val.ShortTag() == "!!int" && val.Load(&n) == nil && n >= 0 {
		field.SetInt(n)
		return nil
	}
	if field.Kind() == reflect.Int64 {
		return errors.New("want a whole number, such as 3600 for an hour in seconds")
	}
	return errors.New("want a whole number, such as 3")
}

// nodeReader is implemented by types that read their YAML themselves.
type nodeReader interface{ readNode(*yaml.Node) error }

// oneOrMore is a text, or a list of them.
type oneOrMore []string

// readNode implements nodeReader.
func (o *oneOrMore) readNode(val *yaml.Node) error {
	texts, ok := textsOf(val)
	if !ok || slices.Contains(texts, "") {
		return errors.New("want text, or a list of texts")
	}
	*o = texts
	return nil
}

// anyText is a text that may be empty.
type anyText string

// readNode implements nodeReader.
func (a *anyText) readNode(val *yaml.Node) error {
	if val.Kind != yaml.ScalarNode {
		return errors.New("want text")
	}
	*a = anyText(val.Value)
	return nil
}

// keySet is a JWK Set as a mapping with keys, or the list of keys alone. JSON is YAML.
type keySet json.RawMessage

// readNode implements nodeReader.
func (k *keySet) readNode(val *yaml.Node) error {
	var set any
	err := val.Load(&set)
	if list, ok := set.([]any); ok {
		set = map[string]any{"keys": list}
	}
	m, ok := set.(map[string]any)
	if err != nil || !ok || m["keys"] == nil {
		return errors.New("want a JWK Set, such as {keys: [{kty: OKP, …}]}")
	}
	raw, err := json.Marshal(set)
	if err != nil {
		return errors.New("want a JWK Set, such as {keys: [{kty: OKP, …}]}")
	}
	*k = raw
	return nil
}
