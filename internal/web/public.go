package web

import (
	"net/http"
	"time"

	"github.com/rs/cors"
)

// PreflightAge is how long a browser may remember what a preflight said.
const PreflightAge = 10 * time.Minute

// anyOrigin is the Access-Control-Allow-Origin of what all may read.
var anyOrigin = []string{"*"}

// Public lets scripts of every origin read what h publishes: documents that say the same
// to everybody. Every answer has the header, also when no origin asks, so that caches
// need no copy for each origin.
func Public(h http.Handler) http.Handler {
	preflights := cors.New(cors.Options{
		AllowedOrigins: []string{"*"},
		AllowedMethods: []string{http.MethodGet, http.MethodHead},
		AllowedHeaders: []string{"*"},
		MaxAge:         int(PreflightAge / time.Second),
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			preflights.HandlerFunc(w, r)
			return
		}
		w.Header()["Access-Control-Allow-Origin"] = anyOrigin
		h.ServeHTTP(w, r)
	})
}
