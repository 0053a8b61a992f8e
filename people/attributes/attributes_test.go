package attributes

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/storage"
)

var declared = []storage.Attribute{
	{Name: "department", Required: true},
	{Name: "number", Type: storage.AttributeNumber, Unique: true},
	{Name: "badge", Pattern: "[A-Z]{2}[0-9]+", Unique: true},
	{Name: "remote", Type: storage.AttributeBoolean},
	{Name: "since", Type: storage.AttributeDate},
	{Name: "skills", Type: storage.AttributeList, Pattern: "[a-z]+"},
}

func TestChange(t *testing.T) {
	t.Parallel()
	before := map[string]any{"department": "sales", "remote": true, "forgotten": "x"}
	got, err := Change(declared, before, map[string]any{
		"number": json.Number("7"), "badge": "AB12", "since": "2024-02-29", "skills": []string{"go", "sql"}, "remote": nil,
	})
	want := Checked{
		Values: map[string]any{
			"department": "sales", "number": 7.0, "badge": "AB12", "since": "2024-02-29", "skills": []any{"go", "sql"},
		},
		Unique: map[string]string{"number": "7", "badge": "AB12"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if before["remote"] != true {
		t.Error("the values from before were changed")
	}
}

// TestAllFaultsAtOnce sets a wrong value of every attribute.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Change(declared, map[string]any{"department": "sales"}, map[string]any{
		"department": "", "number": "7", "badge": "xAB12", "remote": "yes", "since": "2023-02-29", "skills": []any{"go", 1},
		"color": "red",
	})
	fs, _ := errors.AsType[Faults](err)
	var names []string
	for _, f := range fs {
		names = append(names, f.Name)
	}
	want := []string{"badge", "color", "department", "number", "remote", "since", "skills"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, v := range []any{math.NaN(), math.Inf(1), "x", true, json.Number("x")} {
		if _, wrong := checkNumber(v); wrong == "" {
			t.Errorf("%v is a number", v)
		}
	}
	for name, v := range map[string]any{
		"department": strings.Repeat("x", maxText+1), "badge": "AB1\n", "skills": make([]any, maxList+1),
	} {
		if _, err := Change(declared, map[string]any{"department": "x"}, map[string]any{name: v}); err == nil {
			t.Errorf("%s: %.40v was accepted", name, v)
		}
	}
}

func TestTextsOfValues(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][2]string{
		"department": {" sales ", "sales"}, "number": {"7.50", "7.5"}, "remote": {"true", "true"},
		"since": {"2024-02-29", "2024-02-29"}, "skills": {"go , sql,", "go, sql"},
	} {
		settings := storage.TenantSettings{Attributes: declared}
		if got := Text(Parse(*settings.Attribute(name), texts[0])); got != texts[1] {
			t.Errorf("%s: got %q, want %q", name, got, texts[1])
		}
	}
	if got := Parse(declared[0], " "); got != nil {
		t.Errorf("got %q, want no value", got)
	}
	if got := Parse(declared[1], "seven"); got != "seven" {
		t.Errorf("got %q, want the text for Change to refuse", got)
	}
	// A number that is large must not be written with an exponent: it identifies a user.
	if got := Text(123456789012.0); got != "123456789012" {
		t.Errorf("got %s", got)
	}
}

func TestDeclarations(t *testing.T) {
	t.Parallel()
	for _, a := range declared {
		if fs := CheckDeclared(a); len(fs) > 0 {
			t.Errorf("%s: %v", a.Name, fs)
		}
	}
	for want, a := range map[string]storage.Attribute{
		"name":    {Name: "Department"},
		"title":   {Name: "a", Title: "a\nb"},
		"type":    {Name: "a", Type: "integer"},
		"see":     {Name: "a", See: "everybody"},
		"edit":    {Name: "a", Edit: storage.ByOwner},
		"unique":  {Name: "a", Type: storage.AttributeList, Unique: true},
		"pattern": {Name: "a", Pattern: "["},
	} {
		fs := CheckDeclared(a)
		if len(fs) != 1 || fs[0].Name != want {
			t.Errorf("%+v: got %v, want a fault of %s", a, fs, want)
		}
	}
	for _, name := range []string{"email", "sub", "birthdate", "", "1a", "a-b", strings.Repeat("a", 65)} {
		if fs := CheckDeclared(storage.Attribute{Name: name}); len(fs) == 0 {
			t.Errorf("%q is a name", name)
		}
	}
	if fs := CheckDeclared(storage.Attribute{Name: "a", Type: storage.AttributeDate, Pattern: "x"}); len(fs) != 1 {
		t.Errorf("a date with a pattern: got %v", fs)
	}
}
