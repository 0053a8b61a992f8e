package terminal

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestJSONHasNoControlCharacters: what a server answers reaches a terminal in JSON, too.
func TestJSONHasNoControlCharacters(t *testing.T) {
	t.Parallel()
	name := "a\x1b[2J\u007f\u0080\u009b\u009f\u00a0é"
	var one, list strings.Builder
	if err := (&Terminal{Out: &one}).PrintJSON(name); err != nil {
		t.Fatal(err)
	}
	all := func(yield func(string, error) bool) { yield(name, nil) }
	err := PrintList(&Terminal{Out: &list}, true, all, func(s string) string { return s }, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var read string
	if err := json.Unmarshal([]byte(one.String()), &read); err != nil || read != name {
		t.Errorf("got %q, %v, want the same name when it is read", read, err)
	}
	var items []string
	if err := json.Unmarshal([]byte(list.String()), &items); err != nil || !slices.Equal(items, []string{name}) {
		t.Errorf("got %q, %v, want the same name when the list is read", items, err)
	}
	for _, text := range []string{one.String(), list.String()} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r <= 0x9f }); i >= 0 {
			t.Errorf("%q has a control character at %d", text, i)
		}
	}
}
