package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// FieldsOf returns the members of a value's JSON as names and values for people to read.
func FieldsOf(v any) [][2]string {
	var fields [][2]string
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and times
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token()
	for d.More() {
		name, _ := d.Token()
		var value any
		if err := d.Decode(&value); err != nil {
			panic(err) // Marshal has made it
		}
		fields = append(fields, [2]string{fmt.Sprint(name), plainValue(value)})
	}
	return fields
}

// plainValue returns a value of JSON as people read it: a list as words.
func plainValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		words := make([]string, len(v))
		for i, one := range v {
			words[i] = plainValue(one)
		}
		return strings.Join(words, " ")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON
	}
	return string(raw)
}
