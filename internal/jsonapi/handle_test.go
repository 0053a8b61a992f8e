package jsonapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type level string

// thing has a field of every shape that an input may have.
type thing struct {
	ID      string          `path:"id"`
	Version int             `path:"version"`
	Limit   int             `query:"limit" least:"1" most:"50"`
	Exact   *bool           `query:"exact"`
	Kinds   []string        `query:"kind" enum:"a,b" items:"2"`
	Since   time.Time       `query:"since"`
	Text    string          `json:"text" max:"8"`
	Level   level           `json:"level" enum:"low,high"`
	Yes     bool            `json:"yes"`
	Int     int             `json:"int"`
	Small   int8            `json:"small"`
	Count   uint            `json:"count" most:"7"`
	Ratio   float64         `json:"ratio"`
	At      time.Time       `json:"at"`
	From    netip.Addr      `json:"from"`
	Names   []string        `json:"names" max:"3" items:"2"`
	Numbers []int64         `json:"numbers"`
	Grid    [][]int         `json:"grid"`
	Labels  map[string]int  `json:"labels" items:"2"`
	Places  []address       `json:"places"`
	ByName  map[level]town  `json:"by_name"`
	Place   address         `json:"place"`
	Maybe   *int            `json:"maybe"`
	List    *[]string       `json:"list"`
	Raw     json.RawMessage `json:"raw"`
}

type town struct {
	City string `json:"city" need:"true"`
}

// serve sends a request to the one route of a table.
func serve(route Route, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	NewTable(func(w http.ResponseWriter, r *http.Request, err error) {
		p, ok := err.(*Problem)
		if !ok {
			p = &Problem{Status: http.StatusInternalServerError, Code: "server_error", Err: err}
		}
		Fail(w, r, p)
	}, route).ServeHTTP(w, r)
	return w
}

func jsonRequest(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func putThing(do func(thing)) Route {
	return Handle(Operation{Method: http.MethodPut, Path: "/things/{id}/{version}", ID: "putThing"},
		func(_ *http.Request, in thing) (None, error) { do(in); return None{}, nil })
}

func TestEveryShapeIsRead(t *testing.T) {
	t.Parallel()
	var got thing
	w := serve(putThing(func(in thing) { got = in }), jsonRequest("PUT",
		"/things/a%2Fb/7?limit=50&exact=false&kind=b&kind=a&since=2026-01-02T03:04:05Z",
		`{"text":"Jö","level":"high","yes":true,"int":-9007199254740991,"small":-128,"count":7,"ratio":-1.5e3,
		"at":"2026-01-02T03:04:05.5+01:00","from":"2001:db8::1","names":["a","b"],"numbers":[1,0,-0],"grid":[[1],[],[2,3]],
		"labels":{"x":1,"":2},"places":[{"city":"Bern"},{}],"by_name":{"low":{"city":"Wien"}},"place":{"city":"Rom"},
		"maybe":0,"list":[],"raw":{"b":1.0,"a":[]}}`))
	if w.Code != http.StatusNoContent {
		t.Fatalf("got %d: %s", w.Code, w.Body)
	}
	no, zero := false, 0
	want := thing{
		ID: "a/b", Version: 7, Limit: 50, Exact: &no, Kinds: []string{"b", "a"},
		Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Text:  "Jö", Level: "high", Yes: true, Int: -maxExact, Small: -128, Count: 7, Ratio: -1500,
		At: time.Date(2026, 1, 2, 2, 4, 5, 5e8, time.UTC), From: netip.MustParseAddr("2001:db8::1"),
		Names: []string{"a", "b"}, Numbers: []int64{1, 0, 0}, Grid: [][]int{{1}, {}, {2, 3}},
		Labels: map[string]int{"x": 1, "": 2},
		Places: []address{{"Bern"}, {}}, ByName: map[level]town{"low": {"Wien"}}, Place: address{"Rom"},
		Maybe: &zero, List: &[]string{}, Raw: json.RawMessage(`{"a":[],"b":1.0}`),
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

// TestEveryFaultOfEveryShape: each is told at once, with its pointer, and quotes nothing.
func TestEveryFaultOfEveryShape(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"text":7,"level":"mid","yes":1}`:    "/text=type /level=invalid /yes=type",
		`{"text":"123456789"}`:                "/text=too_long",
		`{"int":1.0,"small":128,"count":8}`:   "/int=type /small=invalid /count=invalid",
		`{"int":1e3,"small":-129,"count":-1}`: "/int=type /small=invalid /count=invalid",
		`{"int":9007199254740992,"small":"1","numbers":[1,"2",99999999999999999999]}`: "/int=invalid /small=type " +
			"/numbers/1=type /numbers/2=invalid",
		`{"ratio":1e999,"int":null}`:                     "/ratio=invalid /int=type",
		`{"ratio":"1","maybe":null,"list":null}`:         "/ratio=type /maybe=type /list=type",
		`{"at":"2026-01-02","from":"nowhere"}`:           "/at=invalid /from=invalid",
		`{"at":"2026-1-2T3:04:05Z"}`:                     "/at=invalid",
		`{"at":1767323045,"from":null}`:                  "/at=type /from=type",
		`{"names":["a","b","c"],"grid":[1],"places":{}}`: "/names=too_many /grid/0=type /places=type",
		`{"names":["abcd",1],"grid":[[true]],"places":[{"town":"x"}]}`: "/names/0=too_long /names/1=type " +
			"/grid/0/0=type /places/0/town=unknown",
		`{"labels":{"a":1,"b":2,"c":3},"by_name":{"x":{}},"place":[]}`: "/labels=too_many " +
			"/by_name/x/city=missing /place=type",
		`{"labels":{"a/b~c":"1"},"by_name":[],"place":{"city":"123456789"}}`: "/labels/a~1b~0c=type " +
			"/by_name=type /place/city=too_long",
		`{"labels":{"a\u0000":1},"raw":[],"Text":""}`: "/labels/a?=invalid /raw=type /Text=unknown",
	} {
		w := serve(putThing(func(thing) { t.Errorf("%s was taken", body) }), jsonRequest("PUT", "/things/x/1", body))
		if got := faultsOf(t, w); !sameWords(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
}

// faultsOf returns the faults of a response, by pointer or, for parameters, by name.
func faultsOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != p.Status {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if p.Code != "invalid_fields" {
		return p.Code
	}
	var all []string
	for _, f := range p.Errors {
		at := f.Pointer
		if at == "" {
			at = f.Field
		}
		all = append(all, at+"="+f.Code)
	}
	return strings.Join(all, " ")
}

func TestFaultsOfParameters(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/things/x/one":                               "version=type",
		"/things/x/1.0":                               "version=type",
		"/things/x/1?limit=0":                         "limit=invalid",
		"/things/x/1?limit=51&limit=1":                "limit=repeated",
		"/things/x/1?limit=%201":                      "limit=type",
		"/things/x/1?limit=":                          "limit=type",
		"/things/x/1?exact=1&kind=c&since=now":        "exact=type kind.0=invalid since=invalid",
		"/things/x/1?kind=a&kind=a&kind=b":            "kind=too_many",
		"/things/x/1?Limit=1&x%0A%22=2":               "Limit=unknown x??=unknown",
		"/things/x/1?limit=%zz":                       "malformed",
		"/things/x/0?limit=0&exact=TRUE":              "limit=invalid exact=type",
		"/things/" + strings.Repeat("x", 1025) + "/1": "id=too_long",
		"/things/%00/1":                               "id=invalid",
		"/things//1":                                  "not_found",
	} {
		w := serve(putThing(func(thing) { t.Errorf("%s was taken", target) }), jsonRequest("PUT", target, `{}`))
		if got := faultsOf(t, w); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	// Those of the body come with those of the URL.
	w := serve(putThing(nil), jsonRequest("PUT", "/things/x/one?limit=0", `{"text":1}`))
	if got, want := faultsOf(t, w), "version=type limit=invalid /text=type"; !sameWords(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWrongShapesPanicAtRegistration(t *testing.T) {
	t.Parallel()
	type node struct {
		Next []node `json:"next"`
	}
	type embedded struct{ *address }
	put := func(path string, handle func(op Operation)) func() {
		return func() { handle(Operation{Method: http.MethodPut, Path: path, ID: "x"}) }
	}
	for name, c := range map[string]struct {
		register func()
		want     string
	}{
		"a channel": {put("/", taking[struct {
			A chan int `json:"a"`
		}]), "no place in JSON"},
		"an interface": {put("/", taking[struct {
			A any `json:"a"`
		}]), "no place in JSON"},
		"a function in a list": {put("/", taking[struct {
			A []func() `json:"a"`
		}]), "no place in JSON"},
		"a complex output": {put("/", giving[struct {
			A complex128 `json:"a"`
		}]), "no place in JSON"},
		"keys that are ints": {put("/", taking[struct {
			A map[int]string `json:"a"`
		}]), "no strings"},
		"pointers in a list": {put("/", taking[struct {
			A []*string `json:"a"`
		}]), "pointers in a list"},
		"a pointer to pointer": {put("/", taking[struct {
			A **string `json:"a"`
		}]), "no place in JSON"},
		"itself":              {put("/", taking[node]), "contains itself"},
		"an embedded pointer": {put("/", taking[embedded]), "embedded pointer"},
		"no struct":           {put("/", taking[string]), "no struct"},
		"a name in two places": {put("/", taking[struct {
			A string `json:"a"`
			B string `query:"a"`
		}]), "another field has"},
		"max that is no number": {put("/", taking[struct {
			A string `json:"a" max:"x"`
		}]), "no number"},
		"max of an integer": {put("/", taking[struct {
			A int `json:"a" max:"3"`
		}]), "that is for texts"},
		"items of a text": {put("/", taking[struct {
			A string `json:"a" items:"3"`
		}]), "for lists and maps"},
		"most of a text": {put("/", taking[struct {
			A string `json:"a" most:"3"`
		}]), "for integers"},
		"most above the type's": {put("/", taking[struct {
			A int8 `json:"a" most:"128"`
		}]), "for integers"},
		"most below least": {put("/", taking[struct {
			A int `json:"a" least:"3" most:"2"`
		}]), "for integers"},
		"enum of integers": {put("/", taking[struct {
			A int `json:"a" enum:"1,2"`
		}]), "is no text"},
		"need that is no truth": {put("/", taking[struct {
			A int `json:"a" need:"yes"`
		}]), "in place of true"},
		"a secret in the URL": {put("/", taking[struct {
			A string `query:"a" secret:"true"`
		}]), "written to logs"},
		"a struct in the query": {put("/", taking[struct {
			A address `query:"a"`
		}]), "URLs do not have"},
		"a list in the path": {put("/{a}", taking[struct {
			A []string `path:"a"`
		}]), "URLs do not have"},
		"a parameter within": {put("/", taking[struct {
			A struct {
				B string `query:"b"`
			} `json:"a"`
		}]), "stands in no input itself"},
		"no field for the path": {put("/{id}", taking[address]), "in its path"},
		"no place in the path": {put("/", taking[struct {
			A string `path:"a"`
		}]), "in its path"},
		"an open brace":              {put("/{id", taking[address]), "no path"},
		"two parameters in one part": {put("/{a}{b}", taking[address]), "no path"},
		"no id":                      {func() { taking[None](Operation{Method: "PUT", Path: "/"}) }, "lacks an id"},
		"an odd method":              {func() { taking[None](Operation{Method: "BREW", Path: "/", ID: "x"}) }, "lacks an id"},
		"a GET with a body": {func() {
			taking[address](Operation{Method: "GET", Path: "/", ID: "x"})
		}, "members of a body"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, c.want) {
					t.Errorf("got %q, want a panic with %q", got, c.want)
				}
			}()
			c.register()
		})
	}
}

func taking[In any](op Operation) {
	Handle(op, func(*http.Request, In) (None, error) { return None{}, nil })
}

func giving[Out any](op Operation) {
	Handle(op, func(*http.Request, None) (out Out, err error) { return out, nil })
}

func TestAnOperationWithoutABodyTakesNone(t *testing.T) {
	t.Parallel()
	route := Handle(Operation{Method: http.MethodDelete, Path: "/things/{id}", ID: "deleteThing"},
		func(*http.Request, struct {
			ID string `path:"id"`
		}) (None, error) {
			return None{}, nil
		})
	if w := serve(route, httptest.NewRequest("DELETE", "/things/x", nil)); w.Code != http.StatusNoContent {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
	if got := faultsOf(t, serve(route, jsonRequest("DELETE", "/things/x", "{}"))); got != "malformed" {
		t.Errorf("with a body: got %s", got)
	}
	if got := faultsOf(t, serve(route, httptest.NewRequest("DELETE", "/things/x?id=y", nil))); got != "invalid_request" {
		t.Errorf("with a query: got %s", got)
	}
}

// FuzzHandle: whatever a request holds, it is taken as one value of the input, or it is a 400
// whose faults have pointers and quote nothing.
func FuzzHandle(f *testing.F) {
	f.Add("x/1", "limit=3&kind=a", `{"int":1,"at":"2026-01-02T03:04:05Z","labels":{"a/b":1},"grid":[[1]]}`)
	f.Add("%2f/-1", "since=now&&x=%", `{"raw":{"a":[1e400]},"names":["\u0000"],"maybe":null}`)
	f.Add("x/9999999999999999999", "exact=true", `{"places":[{"city":"123456789"}],"small":1e9,"ratio":1e-400}`)
	f.Fuzz(func(t *testing.T, path, query, body string) {
		r := jsonRequest("PUT", "/", body)
		id, version, _ := strings.Cut(path, "/")
		r.URL.RawQuery = query
		r.SetPathValue("id", id)
		r.SetPathValue("version", version)
		var a, b thing
		shape := shapeOf(reflect.TypeFor[thing](), true)
		err := read(httptest.NewRecorder(), r, reflect.ValueOf(&a).Elem(), shape, false)
		if p, bad := err.(*Problem); bad {
			for _, fault := range p.Errors {
				rooted := fault.Pointer == "" || fault.Pointer[0] == '/'
				if !rooted || fault.Code == "" || len(fault.Message) > 120 {
					t.Errorf("%s: got %+v", body, fault)
				}
			}
			return
		} else if err != nil {
			t.Fatalf("got %v", err)
		}
		again, err := json.Marshal(bodyAgain(a))
		if err != nil {
			t.Fatal(err)
		}
		object, err := parseObject(again)
		if err != nil {
			t.Fatal(err)
		}
		var second binder
		second.object(reflect.ValueOf(&b).Elem(), object, shape, place{})
		if len(second.faults) > 0 || !reflect.DeepEqual(bodyAgain(a), bodyAgain(b)) {
			t.Errorf("%s: got %+v, then %+v, %v", body, a, b, second.faults)
		}
	})
}

// bodyAgain returns the members of a body that survive being written: those that are there.
func bodyAgain(a thing) map[string]any {
	out := map[string]any{"int": a.Int, "small": a.Small, "count": a.Count, "yes": a.Yes, "text": a.Text, "place": a.Place}
	if a.Names != nil {
		out["names"] = a.Names
	}
	if a.Labels != nil {
		out["labels"] = a.Labels
	}
	if len(a.Grid) > 0 {
		out["grid"] = a.Grid
	}
	if a.Maybe != nil {
		out["maybe"] = a.Maybe
	}
	return out
}
