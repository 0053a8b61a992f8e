package column

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestListsAreReadAsJSON reads lists as they are stored, and as another program might have written them.
func TestListsAreReadAsJSON(t *testing.T) {
	t.Parallel()
	texts := []string{
		`["a"]`, `[""]`, `["",""]`,
		`["a","b","c d"]`, `["a", "b"]`, ` ["a"]`, `["a" ]`, `["a\"b"]`, `["a\\"]`, `["\u003c","b"]`,
		`["ä","日本"]`, `[",","]","["]`, `["a",null]`, `["a",1]`, `["a"`, `["]`, `[]`, ` []`, `null`, `{"a":"b"}`, `"a"`, ``,
	}
	for _, list := range [][]string{nil, {"openid", "email"}, {`","`, `\`, "a\nb", "<&>", "\xff"}} {
		texts = append(texts, EncodeList(list))
	}
	for _, text := range texts {
		var want, got []string
		wrong := json.Unmarshal([]byte(text), &want)
		err := List(&got).Scan(text)
		if (err == nil) != (wrong == nil) || err == nil && !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q, %v", text, got, err, want, wrong)
		}
	}
}
