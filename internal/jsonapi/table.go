package jsonapi

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Table serves the routes of an API: it finds the route of a request by its path and method.
type Table struct {
	fail   func(w http.ResponseWriter, r *http.Request, err error)
	routes []Route
	fixed  map[string][]Route // by paths without parameters
	others []branch           // the most exact first
}

// branch is a path with parameters, and its routes.
type branch struct {
	template template
	routes   []Route
}

// NewTable returns the table of the routes. fail answers a request with what went wrong. NewTable
// panics when two routes have the same method and path, or the same id.
func NewTable(fail func(w http.ResponseWriter, r *http.Request, err error), routes ...Route) *Table {
	t := &Table{fail: fail, routes: routes, fixed: map[string][]Route{}}
	ids, shapes := map[string]bool{}, map[string]int{}
	for _, route := range routes {
		template := parseTemplate(route.Path)
		if key := route.Method + " " + template.shape(); ids[route.ID] || ids[key] {
			panic("jsonapi: there is a second " + route.ID + " or " + route.Method + " " + route.Path)
		} else {
			ids[route.ID], ids[key] = true, true
		}
		if len(template.names()) == 0 {
			t.fixed[route.Path] = append(t.fixed[route.Path], route)
			continue
		}
		i, ok := shapes[template.shape()]
		if !ok {
			i = len(t.others)
			shapes[template.shape()], t.others = i, append(t.others, branch{template: template})
		}
		t.others[i].routes = append(t.others[i].routes, route)
	}
	slices.SortStableFunc(t.others, func(a, b branch) int { return a.template.compare(b.template) })
	return t
}

// Operations returns the operations of the table, for Describe.
func (t *Table) Operations() []Operation {
	var all []Operation
	for _, route := range t.routes {
		all = append(all, route.Operation)
	}
	return all
}

// Paths returns the paths of the routes without parameters, sorted.
func (t *Table) Paths() []string { return slices.Sorted(maps.Keys(t.fixed)) }

// ServeHTTP serves the route of the request. It answers 404 when no route has the path, and 405
// when none of those has the method.
func (t *Table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := t.serve(w, r); err != nil {
		t.fail(w, r, err)
	}
}

// serve is ServeHTTP, and returns what ServeHTTP answers with an error.
func (t *Table) serve(w http.ResponseWriter, r *http.Request) error {
	routes, names, values := t.find(r)
	if routes == nil {
		return &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: "There's no such call."}
	}
	i := slices.IndexFunc(routes, func(route Route) bool { return serves(route.Method, r.Method) })
	if i < 0 {
		return wrongMethod(w, routes)
	}
	for j, name := range names {
		r.SetPathValue(name, values[j])
	}
	return routes[i].Serve(w, r)
}

// find returns the routes of a path, and its parameters.
func (t *Table) find(r *http.Request) (routes []Route, names, values []string) {
	if routes = t.fixed[r.URL.Path]; routes != nil {
		return routes, nil, nil
	}
	for _, b := range t.others {
		if values, ok := b.template.match(r.URL.EscapedPath()); ok {
			return b.routes, b.template.names(), values
		}
	}
	return nil, nil, nil
}

// serves reports whether a route of one method answers a request of another. net/http leaves out
// the body of an answer to HEAD.
func serves(route, request string) bool {
	return route == request || route == http.MethodGet && request == http.MethodHead
}

// wrongMethod returns the problem of a path that has routes, but none for the method, and sets the header Allow (RFC
// 9110 section 15.5.6).
func wrongMethod(w http.ResponseWriter, routes []Route) error {
	var methods []string
	for _, route := range routes {
		methods = append(methods, route.Method)
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	return &Problem{
		Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
		Detail: "This call only accepts " + strings.Join(methods, " and ") + ".",
	}
}

// template is a path with parameters, such as /users/{id}:disable, cut at its slashes.
type template []segment

// segment is a part of a path: fixed text, or a parameter between two texts.
type segment struct{ before, name, after string }

// parseTemplate panics when braces do not match, or when a segment has two parameters.
func parseTemplate(path string) template {
	var t template
	for part := range strings.SplitSeq(path, "/") {
		before, rest, ok := strings.Cut(part, "{")
		name, after, closed := strings.Cut(rest, "}")
		if ok != closed || ok && name == "" || strings.ContainsAny(before+name+after, "{}") {
			panic("jsonapi: " + path + " is no path: write parameters as {name}, one between two slashes")
		}
		t = append(t, segment{before, name, after})
	}
	return t
}

// names returns the names of the parameters, in the order of the path.
func (t template) names() []string {
	var names []string
	for _, s := range t {
		if s.name != "" {
			names = append(names, s.name)
		}
	}
	return names
}

// shape returns the path without the names of its parameters: two paths of one shape match the
// same requests.
func (t template) shape() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString("/" + s.before)
		if s.name != "" {
			b.WriteString("{}" + s.after)
		}
	}
	return b.String()
}

// compare puts the more exact of two paths first: at the first difference, the longer fixed text.
func (t template) compare(other template) int {
	for i := range min(len(t), len(other)) {
		a, b := t[i].exact(), other[i].exact()
		if a != b {
			return b - a
		}
	}
	return len(other) - len(t)
}

// exact returns how much of the segment is fixed text. A segment without a parameter is more exact than any that has
// one.
func (s segment) exact() int {
	if s.name == "" {
		return 1 << 16
	}
	return len(s.before) + len(s.after)
}

// match returns the parameters of an escaped path, in their order. They may not be empty. An
// escaped character belongs to the parameter: %2F is no slash, and %3A begins no verb.
func (t template) match(path string) ([]string, bool) {
	parts := strings.Split(path, "/")
	if len(parts) != len(t) {
		return nil, false
	}
	var values []string
	for i, s := range t {
		if s.name == "" {
			if text, err := url.PathUnescape(parts[i]); err != nil || text != s.before {
				return nil, false
			}
			continue
		}
		part, ok := strings.CutPrefix(parts[i], s.before)
		part, ok2 := strings.CutSuffix(part, s.after)
		value, err := url.PathUnescape(part)
		if !ok || !ok2 || err != nil || value == "" {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}
