package web

import (
	"net/http"
	"time"

	"github.com/rs/cors"
)

// PreflightAge is how long a browser may cache the answer to a CORS preflight request.
const PreflightAge = 10 * time.Minute

// anyOrigin is the value of Access-Control-Allow-Origin for public documents.
var anyOrigin = []string{"*"}

// Public lets scripts of every origin read what h answers. It is for documents that are the same
// for every reader. Every answer has the header, even if the request names no origin, so that
// caches need only one copy. Scripts may use GET, HEAD and the methods in more.
func Public(h http.Handler, more ...string) http.Handler {
	preflights := cors.New(cors.Options{
		AllowedOrigins: []string{"*"},
		AllowedMethods: append([]string{http.MethodGet, http.MethodHead}, more...),
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
