package diff

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsTheSameAsJSONDoesNotDiffer(t *testing.T) {
	t.Parallel()
	type inner struct {
		N int `json:"n,omitempty"`
	}
	for name, c := range map[string]struct {
		from, to any
		want     string
	}{
		"nil and no elements":     {[]string(nil), []string{}, `null`},
		"nil and zero":            {nil, "", `null`},
		"a struct without JSON":   {inner{}, struct{ x int }{1}, `null`},
		"order of members":        {json.RawMessage(`{"a":1,"b":2}`), json.RawMessage(`{"b":2,"a":1}`), `null`},
		"added":                   {nil, inner{1}, `[{"name":"f","to":{"n":1}}]`},
		"removed":                 {true, false, `[{"name":"f","from":true}]`},
		"changed, & as it is":     {"a&b", "c", `[{"name":"f","from":"a&b","to":"c"}]`},
		"elements in their order": {[]string{"a", "b"}, []string{"b", "a"}, `[{"name":"f","from":["a","b"],"to":["b","a"]}]`},
	} {
		var fs Fields
		fs.Add("f", c.from, c.to)
		var got, want any
		raw, err := json.Marshal(fs)
		if err != nil || json.Unmarshal(raw, &got) != nil || json.Unmarshal([]byte(c.want), &want) != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFieldsOfStructsAreNamedAsInJSON(t *testing.T) {
	t.Parallel()
	type record struct {
		ID     string `json:"id"`
		Title  string `json:"title,omitempty"`
		Secret string `json:"-"`
	}
	var fs Fields
	fs.AddStruct(record{"a", "x", "s"}, record{"b", "y", "t"}, "id")
	if len(fs) != 1 || fs[0].Name != "title" {
		t.Errorf("got %v", fs)
	}
}
