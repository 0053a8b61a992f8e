package jsonapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

type group struct {
	Name string `json:"name" need:"true" doc:"Its name."`
	tag  ETag
}

func (g group) ETag() ETag { return g.tag }

type groupPath struct {
	ID string `path:"id" doc:"The group's id."`
}

func TestAGETIsAnsweredByItsTag(t *testing.T) {
	t.Parallel()
	tag, err := TagOf(group{Name: "staff"})
	other, err2 := TagOf(group{Name: "guests"})
	if err = errors.Join(err, err2); err != nil || tag == other {
		t.Fatalf("got %s and %s, %v", tag, other, err)
	}
	get := Handle(Operation{Method: http.MethodGet, Path: "/groups/{id}", ID: "getGroup"},
		func(*http.Request, groupPath) (group, error) { return group{"staff", tag}, nil })
	for header, want := range map[string]int{
		"": 200, string(tag): 304, "W/" + string(tag): 304, `"x", ` + string(tag): 304, "*": 304, string(other): 200,
		`"x" "y"`: 400, "x": 400, `"a b"`: 400,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := httptest.NewRequest(method, "/groups/1", nil)
			if header != "" {
				r.Header.Set("If-None-Match", header)
			}
			w := serve(get, r)
			if w.Code != want || want < 400 && w.Header().Get("ETag") != string(tag) || want == 304 && w.Body.Len() > 0 {
				t.Errorf("%s with %q: got %d %v %s", method, header, w.Code, w.Header(), w.Body)
			}
		}
	}
}

func TestAChangeIsMadeToWhatTheClientKnows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header, value string
		current       ETag
		want          int
	}{
		{"", "", `"1"`, 204}, {"", "", "", 204},
		{"If-Match", `"1"`, `"1"`, 204}, {"If-Match", `"0" , "1"`, `"1"`, 204}, {"If-Match", `"0"`, `"1"`, 412},
		{"If-Match", `W/"1"`, `"1"`, 412},
		{"If-Match", `"1"`, "", 412}, {"If-Match", "*", `"1"`, 204}, {"If-Match", "*", "", 412},
		{"If-None-Match", "*", "", 204}, {"If-None-Match", "*", `"1"`, 412}, {"If-None-Match", `"1"`, `"1"`, 412},
		{"If-None-Match", `"0"`, `"1"`, 204},
		{"If-Match", "1", `"1"`, 400}, {"If-Match", `"1`, `"1"`, 400}, {"If-Match", "", `"1"`, 400},
	} {
		put := Handle(Operation{Method: http.MethodPut, Path: "/groups/{id}", ID: "putGroup"},
			func(_ *http.Request, in struct {
				groupPath
				Condition
				Name string `json:"name"`
			}) (None, error) {
				return None{}, in.Check(c.current)
			})
		r := jsonRequest("PUT", "/groups/1", `{}`)
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := serve(put, r)
		if w.Code != c.want || c.want == 412 && w.Header().Get("ETag") != string(c.current) {
			t.Errorf("%s %s of %s: got %d, ETag %s", c.header, c.value, c.current, w.Code, w.Header().Get("ETag"))
		}
	}
}

func TestACursorOpensForItsListAlone(t *testing.T) {
	t.Parallel()
	masters, err := secret.Parse(strings.Repeat("a", secret.MinLength))
	if err != nil {
		t.Fatal(err)
	}
	box := masters.Box("acme", secret.AuthSession)
	type at struct{ Name, ID string }
	sealed, err := SealCursor(box, "groups?q=x", at{"staff", "7"})
	if err != nil || strings.Contains(sealed, "staff") {
		t.Fatalf("got %q, %v", sealed, err)
	}
	if got, err := OpenCursor[at](box, "groups?q=x", sealed); err != nil || got != (at{"staff", "7"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := OpenCursor[at](box, "groups?q=x", ""); err != nil || got != (at{}) {
		t.Errorf("the beginning: got %+v, %v", got, err)
	}
	for name, open := range map[string]func() (at, error){
		"another list": func() (at, error) { return OpenCursor[at](box, "groups", sealed) },
		"another tenant": func() (at, error) {
			return OpenCursor[at](masters.Box("b", secret.AuthSession), "groups?q=x", sealed)
		},
		"made up": func() (at, error) { return OpenCursor[at](box, "groups?q=x", "7") },
	} {
		var p *Problem
		if _, err := open(); !errors.As(err, &p) || p.Status != 400 || len(p.Errors) != 1 || p.Errors[0].Field != "after" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAPageLeadsToTheNext(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{"": "", "n-1": `<?after=n-1&q=a+b>; rel="next"`} {
		list := Handle(Operation{Method: http.MethodGet, Path: "/groups", ID: "listGroups"},
			func(*http.Request, struct {
				Q     string `query:"q"`
				After string `query:"after"`
			}) (Page[group], error) {
				return Page[group]{Next: next}, nil
			})
		w := serve(list, httptest.NewRequest("GET", "/groups?q=a+b&after=n-0", nil))
		if got := w.Header().Get("Link"); got != want {
			t.Errorf("got Link %q, want %q", got, want)
		}
		if got := w.Body.String(); !strings.HasPrefix(got, `{"items":[]`) {
			t.Errorf("got %s", got)
		}
	}
}

func TestTheMostExactRouteServes(t *testing.T) {
	t.Parallel()
	route := func(method, path string) Route {
		return Route{Operation{Method: method, Path: path, ID: method + path},
			func(w http.ResponseWriter, r *http.Request) error {
				return Write(w, 200, path+" "+r.PathValue("id")+" "+r.PathValue("key"))
			}}
	}
	table := NewTable(func(w http.ResponseWriter, r *http.Request, err error) { Fail(w, r, err.(*Problem)) },
		route("GET", "/users/{id}"), route("POST", "/users/{id}:disable"), route("GET", "/users/me"),
		route("PUT", "/users/{id}"),
		route("GET", "/users"), route("GET", "/users/{id}/keys/{key}"), route("GET", "/users/{id}/keys/all"),
		route("GET", "/{key}/x"))
	for request, want := range map[string]string{
		"GET /users":               `"/users  "`,
		"HEAD /users":              `"/users  "`,
		"GET /users/me":            `"/users/me  "`,
		"PUT /users/7":             `"/users/{id} 7 "`,
		"GET /users/a%2Fb":         `"/users/{id} a/b "`,
		"POST /users/7:disable":    `"/users/{id}:disable 7 "`,
		"PUT /users/7%3Adisable":   `"/users/{id} 7:disable "`,
		"GET /users/7/keys/k":      `"/users/{id}/keys/{key} 7 k"`,
		"GET /users/7/keys/all":    `"/users/{id}/keys/all 7 "`,
		"GET /users/x":             `"/users/{id} x "`,
		"GET /groups/x":            `"/{key}/x  groups"`,
		"POST /users/7":            "405 GET, PUT",
		"DELETE /users":            "405 GET",
		"GET /users/7:disable":     "405 POST",
		"GET /":                    "404 ",
		"GET /users/":              "404 ",
		"GET /users/7/keys/k/more": "404 ",
	} {
		method, target, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		table.ServeHTTP(w, httptest.NewRequest(method, target, nil))
		got := strings.TrimSpace(w.Body.String())
		if w.Code != 200 {
			got = http.StatusText(w.Code)[:0] + map[int]string{404: "404 ", 405: "405 "}[w.Code] + w.Header().Get("Allow")
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
	for _, twice := range [][2]Route{
		{route("GET", "/a/{id}"), route("GET", "/a/{key}")}, {route("GET", "/a"), route("GET", "/a")},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("two routes of %s", twice[0].Path)
				}
			}()
			NewTable(nil, twice[0], twice[1])
		}()
	}
}

// TestTheDocumentDescribesEveryShape compares the OpenAPI document of one operation.
func TestTheDocumentDescribesEveryShape(t *testing.T) {
	t.Parallel()
	put := Handle(Operation{Method: http.MethodPut, Path: "/groups/{id}", ID: "putGroup", Summary: "Stores a group."},
		func(_ *http.Request, in struct {
			groupPath
			Condition
			Dry    bool           `query:"dry_run" doc:"Store nothing."`
			Names  []string       `json:"names" need:"true" max:"9" items:"3"`
			Size   int            `json:"size" least:"1" most:"5" example:"3"`
			Labels map[string]int `json:"labels"`
		}) (group, error) {
			return group{}, nil
		})
	text, err := json.Marshal(Describe(Info{Title: "t", Version: "1"}, "", NewTable(nil, put).Operations(), nil).Paths)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"/groups/{id}":{"put":{"operationId":"putGroup","summary":"Stores a ` +
		`group.","security":[{},{"clientSecret":[]}],
		"parameters":[
			{"name":"id","in":"path","description":"The group's id.","required":true,"schema":{"type":"string","maxLength":1024}},
			{"name":"If-Match","in":"header","description":"The ETag that the resource has to have.","schema":{"type":"string"}},
			{"name":"If-None-Match","in":"header","description":"With *, the resource must not exist.","schema":{"type":"string"}},
			{"name":"dry_run","in":"query","description":"Store nothing.","schema":{"type":"boolean"}}],
		"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","properties":{
			"names":{"type":"array","maxItems":3,"items":{"type":"string","maxLength":9}},
			"size":{"type":"integer","minimum":1,"maximum":5,"examples":[3]},
			"labels":{"type":"object","maxProperties":100,"additionalProperties":{"type":"integer"}}},
			"required":["names"],"additionalProperties":false}}}},
		"responses":{
			"200":{"description":"OK","headers":{"ETag":{"schema":{"type":"string"}}},"content":{"application/json":{"schema":
				{"type":"object","properties":{"name":{"type":"string","description":"Its name."}},"required":["name"]}}}},
			"412":{"description":"` + "`precondition_failed`: the resource is not as `If-Match` or `If-None-Match` says. `ETag` is its current tag." + `",
				"content":{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}}}}}}`
	var got, expected any
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal([]byte(want), &expected)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Error(diff)
	}
	page := Describe(Info{}, "", []Operation{put.Operation}, nil).Markdown(address{}, nil)
	for _, line := range []string{"| `id` (path) | Required. The group's id. |", "| `dry_run` (query) | Store nothing. |",
		"| `names` | Required."} {
		if !strings.Contains(page, line) {
			t.Errorf("the reference lacks %q:\n%s", line, page)
		}
	}
}
