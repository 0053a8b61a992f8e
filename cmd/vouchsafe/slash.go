package main

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// readPaths are the paths of r that can be read, as far as they are fixed.
func readPaths(r *mux.Router) map[string]bool {
	paths := make(map[string]bool)
	_ = r.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error { // what it calls does not fail
		path, err := route.GetPathTemplate()
		methods, noMethods := route.GetMethods()
		if err == nil && !strings.ContainsRune(path, '{') && !strings.HasSuffix(path, "/") {
			paths[path] = paths[path] || noMethods != nil || slices.Contains(methods, http.MethodGet)
		}
		return nil
	})
	return paths
}

// withoutSlash leads from a path that has a slash too many at its end to one of the paths,
// and to nothing else.
func withoutSlash(paths map[string]bool, otherwise http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutSuffix(r.URL.Path, "/")
		if !ok || !paths[path] || r.Method != http.MethodGet && r.Method != http.MethodHead {
			otherwise.ServeHTTP(w, r)
			return
		}
		to := web.TenantOf(r.Context()).Path + path
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
	})
}
