package jsonapi

import (
	"errors"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestFormsAreReadAsJSON, where an operation takes them, and each field once.
func TestFormsAreReadAsJSON(t *testing.T) {
	t.Parallel()
	type form struct {
		Name  string   `json:"name" need:"true"`
		Sure  bool     `json:"sure"`
		Count int      `json:"count" least:"0" most:"9"`
		List  []string `json:"list"`
		Deep  *struct {
			A string `json:"a"`
		} `json:"deep"`
	}
	read := func(typ, body string) (f form, status int) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", typ)
		err := read(httptest.NewRecorder(), r, reflect.ValueOf(&f).Elem(), shapeOf(reflect.TypeFor[form](), true), true)
		var p *Problem
		if errors.As(err, &p) {
			return f, p.Status
		}
		return f, 200
	}
	got, status := read(formType+"; charset=utf-8", "name=J%C3%B6+D&sure=true&count=3&list=a&list=b&deep=%7B%22a%22%3A%22b%22%7D")
	if status != 200 || got.Name != "Jö D" || !got.Sure || got.Count != 3 || !slices.Equal(got.List, []string{"a", "b"}) ||
		got.Deep == nil || got.Deep.A != "b" {
		t.Errorf("got %d, %+v", status, got)
	}
	for body, want := range map[string]int{"name=a": 200, "name=a&name=b": 400, "name=%ff": 400, "name=%zz": 400, "": 400,
		"name=a&other=b": 400, "name=a&sure=1": 400, "name=a&count=x": 400, "name=a&count=10": 400, "name=a&deep=x": 400,
		"name=a;count=3": 400, `{"name":"a"}`: 400} {
		if _, status := read(formType, body); status != want {
			t.Errorf("%q: got %d, want %d", body, status, want)
		}
	}
	if _, status := read("multipart/form-data; boundary=x", "name=a"); status != 415 {
		t.Errorf("multipart: got %d", status)
	}
	if got, status := read("application/json", `{"name":"a"}`); status != 200 || got.Name != "a" {
		t.Errorf("JSON: got %d", status)
	}
}
