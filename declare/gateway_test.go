package declare

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
)

// TestGatewaySchemaKnowsEveryField keeps the schema that editors use in step with the records.
func TestGatewaySchemaKnowsEveryField(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../gateway.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var schema struct {
		Properties struct{ Gateway object }
		Defs       struct{ Entry, Role, Rule object } `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for record, fields := range map[any]object{
		&rules.File{}: schema.Properties.Gateway, &rules.Entry{}: schema.Defs.Entry,
		&rules.Role{}: schema.Defs.Role, &rules.Rule{}: schema.Defs.Rule,
	} {
		have := map[string]reflect.Value{}
		yamlFields(reflect.ValueOf(record).Elem(), have)
		want := slices.Sorted(maps.Keys(have))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(fields.Properties))); diff != "" {
			t.Errorf("%T: %s", record, diff)
		}
	}
}

// TestFaultsOfAGatewayFileHaveTheirPlace: each fault names the line and column of what is wrong.
func TestFaultsOfAGatewayFileHaveTheirPlace(t *testing.T) {
	t.Parallel()
	const issuer, start = "https://id.example.com", "gateway:\n  entries: [{id: a, form: caddy}]\n  rules:\n"
	for text, want := range map[string]string{
		"":                    "g.yaml:1:1 declares nothing",
		"gatway: {}":          "g.yaml:1:1 gatway is nothing that a gateway file has",
		"gateway: []":         "g.yaml:1:10 want a mapping",
		"gateway:\n  rule: 1": "g.yaml:2:3 rule is not a field of the gateway",
		"gateway:\n  entries: [{id: a, form: apache}]\n  rules: [{hosts: [a.example]}]": "g.yaml:2:27 entries.0.form",
		start + "  - hosts: [a.example, id.example.com]":                                "g.yaml:4:24 rules.0.hosts.1",
		start + "  - {hosts: [a.example], limit: 5}":                                    "g.yaml:4:33 rules.0.limit",
		start + "  - {hosts: [a.example], subject_type: secret}":                        "g.yaml:4:40 rules.0.subject_type",
	} {
		_, fs := Gateway("g.yaml", issuer, []byte(text))
		if err := fs.Err(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	f, fs := Gateway("g.yaml", issuer, []byte(start+"  - hosts: [a.example]"))
	if fs.Err() != nil || f.Tenant != "default" || !slices.Equal(f.Rules[0].Headers, []string{"user"}) {
		t.Errorf("got %+v, %v", f, fs.Err())
	}
}
