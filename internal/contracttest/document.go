package contracttest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Document is an OpenAPI document.
type Document struct{ paths, schemas map[string]any }

// Read returns the document that v is as JSON.
func Read(v any) (*Document, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var root struct {
		Paths      map[string]any
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	return &Document{root.Paths, root.Components.Schemas}, nil
}

// Operation is an operation of a document.
type Operation struct {
	ID, Method, Path string
	spec             map[string]any
}

// NeedsToken reports whether the operation needs an access token.
func (o Operation) NeedsToken() bool {
	return slices.ContainsFunc(list(o.spec["security"]), func(requirement any) bool {
		return object(requirement)["accessToken"] != nil
	})
}

// Scopes returns the scopes that an access token needs for the operation; nil if it needs no access token.
func (o Operation) Scopes() []string {
	var all []string
	for _, requirement := range list(o.spec["security"]) {
		for _, scope := range list(object(requirement)["accessToken"]) {
			all = append(all, scope.(string))
		}
	}
	return all
}

// Operations returns all operations, by their ids.
func (d *Document) Operations() []Operation {
	var all []Operation
	for path, item := range d.paths {
		for method, op := range object(item) {
			id, _ := object(op)["operationId"].(string)
			all = append(all, Operation{id, strings.ToUpper(method), path, object(op)})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Find returns the operation that serves a path, which may have a query.
func (d *Document) Find(method, path string) (found Operation, ok bool) {
	path, _, _ = strings.Cut(path, "?")
	exact := -1
	for template, item := range d.paths {
		op := object(object(item)[strings.ToLower(method)])
		if fixed := matches(template, path); op != nil && fixed > exact {
			id, _ := op["operationId"].(string)
			found, exact = Operation{id, method, template, op}, fixed
		}
	}
	return found, exact >= 0
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

// Answer is an answer of the API.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Judge returns what in an answer of the operation is not as the document says: its status, its type, its headers or
// its body.
func (d *Document) Judge(o Operation, a Answer) []string {
	response := object(object(o.spec["responses"])[strconv.Itoa(a.Status)])
	if response == nil {
		return []string{fmt.Sprintf("the document has no answer %d", a.Status)}
	}
	content := object(response["content"])
	if a.Body == "" || len(content) == 0 {
		if a.Body != "" || len(content) > 0 {
			return []string{fmt.Sprintf("the body is %q, and the document has the content %v", a.Body, content)}
		}
		return nil
	}
	media := object(content[a.Header.Get("Content-Type")])
	if media == nil {
		return []string{fmt.Sprintf("the type is %s, want one of %v", a.Header.Get("Content-Type"), content)}
	}
	if media["schema"] == nil {
		return nil
	}
	var body any
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		return []string{"the body is no JSON: " + err.Error()}
	}
	all := judge{d, true}.value(media["schema"], body, "")
	if object(response["headers"])["ETag"] != nil && a.Header.Get("ETag") == "" &&
		object(body)["dry_run"] == nil && a.Header.Get("Idempotency-Replayed") == "" {
		all = append(all, "there is no ETag")
	}
	return all
}

// object returns v as an object, or nil.
func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// list returns v as a list, or nil.
func list(v any) []any {
	all, _ := v.([]any)
	return all
}
