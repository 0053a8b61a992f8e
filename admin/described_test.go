package admin_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/admin"
)

// documented is the OpenAPI document as any reader gets it.
var documented = sync.OnceValue(func() map[string]any {
	text, err := json.Marshal(admin.Reference(""))
	if err != nil {
		panic(err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		panic(err)
	}
	return d
})

// described fails the test if the document has not the answer to a request: its status, its type, or its body.
// Paths that are no path of the document are not looked at.
func described(t testing.TB, method, path string, got *reply) {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	op := operationOf(admin.Prefix+path, method)
	if op == nil {
		return
	}
	at := method + " " + path
	response, ok := op["responses"].(map[string]any)[strconv.Itoa(got.status)].(map[string]any)
	if !ok {
		t.Errorf("%s: the document has no answer %d\n%s", at, got.status, got.raw)
		return
	}
	content, _ := response["content"].(map[string]any)
	if got.raw == "" || len(content) == 0 {
		if got.raw != "" || len(content) > 0 {
			t.Errorf("%s: got %d with the body %q, and the document has the content %v", at, got.status, got.raw, content)
		}
		return
	}
	media, ok := content[got.header.Get("Content-Type")].(map[string]any)
	if !ok {
		t.Errorf("%s: got the type %s, want one of %v", at, got.header.Get("Content-Type"), content)
		return
	}
	for _, fault := range violations(media["schema"], map[string]any(got.body), "") {
		t.Errorf("%s: got %d, whose body is not as described: %s\n%s", at, got.status, fault, got.raw)
	}
	if headers, _ := response["headers"].(map[string]any); headers["ETag"] != nil && got.header.Get("ETag") == "" &&
		got.body["dry_run"] == nil && got.header.Get("Idempotency-Replayed") == "" {
		t.Errorf("%s: got %d without ETag", at, got.status)
	}
}

// operationOf returns the operation of the document for a path, or nil.
func operationOf(path, method string) map[string]any {
	var found map[string]any
	exact := -1
	for template, item := range documented()["paths"].(map[string]any) {
		op, ok := item.(map[string]any)[strings.ToLower(method)].(map[string]any)
		if fixed := matches(template, path); ok && fixed > exact {
			found, exact = op, fixed
		}
	}
	return found
}

// matches returns how many bytes of a path are fixed by its template, or -1.
func matches(template, path string) int {
	want, got, fixed := strings.Split(template, "/"), strings.Split(path, "/"), 0
	if len(want) != len(got) {
		return -1
	}
	for i := range want {
		before, rest, variable := strings.Cut(want[i], "{")
		_, after, _ := strings.Cut(rest, "}")
		switch {
		case !variable && want[i] != got[i],
			variable && (!strings.HasPrefix(got[i], before) || !strings.HasSuffix(got[i], after)):
			return -1
		}
		fixed += len(before) + len(after)
	}
	return fixed
}

// violations returns what is wrong with a value by a schema, as far as the document uses JSON Schema.
func violations(schema, value any, at string) (all []string) {
	s, ok := schema.(map[string]any)
	if !ok || len(s) == 0 {
		return nil
	}
	if ref, ok := s["$ref"].(string); ok {
		name := ref[strings.LastIndexByte(ref, '/')+1:]
		named := documented()["components"].(map[string]any)["schemas"].(map[string]any)[name]
		if named == nil {
			return []string{at + ": the document has no " + ref}
		}
		return violations(named, value, at)
	}
	if any, ok := s["anyOf"].([]any); ok {
		var least []string
		for _, one := range any {
			wrong := violations(one, value, at)
			if len(wrong) == 0 {
				return nil
			}
			least = append(least, wrong...)
		}
		return least
	}
	for _, one := range list(s["allOf"]) {
		all = append(all, violations(one, value, at)...)
	}
	if typ, ok := s["type"].(string); ok && !isOfType(value, typ) {
		return append(all, fmt.Sprintf("%s is %v, want %s", at, value, typ))
	}
	if enum := list(s["enum"]); enum != nil && !slices.Contains(enum, value) {
		all = append(all, fmt.Sprintf("%s is %v, want one of %v", at, value, enum))
	}
	switch v := value.(type) {
	case map[string]any:
		all = append(all, objectViolations(s, v, at)...)
	case []any:
		for i, one := range v {
			all = append(all, violations(s["items"], one, fmt.Sprintf("%s/%d", at, i))...)
		}
	}
	return all
}

func objectViolations(s, v map[string]any, at string) (all []string) {
	for _, name := range list(s["required"]) {
		if _, ok := v[name.(string)]; !ok {
			all = append(all, fmt.Sprintf("%s has no %s", at, name))
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for name, one := range v {
		if property, ok := properties[name]; ok {
			all = append(all, violations(property, one, at+"/"+name)...)
		} else if others, ok := s["additionalProperties"].(map[string]any); ok {
			all = append(all, violations(others, one, at+"/"+name)...)
		} else if properties != nil && !mayHaveMore(s) {
			all = append(all, fmt.Sprintf("%s has %s, which is not described", at, name))
		}
	}
	return all
}

// mayHaveMore reports whether the members of an object are described elsewhere, too: those of a problem are.
func mayHaveMore(s map[string]any) bool {
	_, problem := s["properties"].(map[string]any)["instance"]
	_, scope := s["properties"].(map[string]any)["scope"]
	return problem || scope && len(s["properties"].(map[string]any)) == 1
}

func list(v any) []any {
	all, _ := v.([]any)
	return all
}

func isOfType(v any, typ string) bool {
	switch v := v.(type) {
	case nil:
		return typ == "null"
	case string:
		return typ == "string"
	case bool:
		return typ == "boolean"
	case float64:
		return typ == "number" || typ == "integer" && v == float64(int64(v))
	case []any:
		return typ == "array"
	case map[string]any:
		return typ == "object"
	}
	return false
}
