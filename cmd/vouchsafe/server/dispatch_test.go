package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// Paths that are looked up at once go where a search from top to bottom leads, and are
// counted under the same names.
func TestDispatchGoesWhereTheRouterDoes(t *testing.T) {
	t.Parallel()
	r := mux.NewRouter().SkipClean(true)
	says := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.WriteString(w, what+" "+mux.Vars(req)["name"])
		})
	}
	r.Handle("/first", says("first"))
	r.Handle("/form", says("shown")).Methods(http.MethodGet)
	r.Handle("/form", says("sent")).Methods(http.MethodPost)
	r.Handle("/first", says("never"))
	r.Handle("/{name:s[a-z]+}", says("named"))
	r.Handle("/shadowed", says("never"))
	r.Handle("/last", says("last"))
	r.NotFoundHandler, r.MethodNotAllowedHandler = says("nowhere"), says("no such method")
	dispatched := dispatch(r)
	for _, c := range []struct{ method, path, want, route string }{
		{"GET", "/first", "first ", "/first"},
		{"POST", "/first", "first ", "/first"},
		{"GET", "/%66irst", "first ", "/first"},
		{"GET", "/form", "shown ", "/form"},
		{"POST", "/form", "sent ", "/form"},
		{"PUT", "/form", "no such method ", ""},
		{"GET", "/something", "named something", "/{name:s[a-z]+}"},
		{"GET", "/shadowed", "named shadowed", "/{name:s[a-z]+}"},
		{"GET", "/last", "last ", "/last"},
		{"GET", "/last/", "nowhere ", ""},
		{"GET", "//last", "nowhere ", ""},
		{"GET", "/x/../last", "nowhere ", ""},
	} {
		plain, got := httptest.NewRecorder(), httptest.NewRecorder()
		r.ServeHTTP(plain, httptest.NewRequest(c.method, c.path, nil))
		var route string
		edge := web.Edge{Log: logging.New(logging.Options{}, io.Discard),
			Done: func(req *http.Request, _ int, _ time.Duration) { route = web.RequestOf(req.Context()).Route }}
		edge.Wrap(dispatched).ServeHTTP(got, httptest.NewRequest(c.method, c.path, nil))
		if got.Body.String() != c.want || plain.Body.String() != c.want || route != c.route {
			t.Errorf("%s %s: got %q by the route %q, by the router %q; want %q by %q", c.method, c.path, got.Body, route,
				plain.Body, c.want, c.route)
		}
	}
}
