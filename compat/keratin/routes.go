package keratin

import (
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// access says who may call a route.
type access int

const (
	open    access = iota // every client
	page                  // scripts of the app's pages
	private               // the app's server
)

// route is one route of Keratin AuthN.
type route struct {
	pattern string // METHOD PATH, as http.ServeMux has it
	access  access
	serve   func(*asking) error
}

// routes returns the routes that there are.
func (d *Door) routes() []route {
	all := []route{
		{"POST /session", page, d.signIn},
		{"DELETE /session", page, d.signOut},
		{"GET /session/refresh", page, d.refresh},
		{"POST /password", page, d.newPassword},
		{"POST /password/score", page, d.score},
		{"POST /totp/new", page, d.newFactor},
		{"POST /totp/confirm", page, d.confirmFactor},
		{"DELETE /totp", page, d.dropFactor},
		{"GET /oauth/{provider}", open, d.begin},
		{"GET /oauth/{provider}/return", open, d.comeBack},
		{"POST /oauth/{provider}/return", open, d.postBack},
		{"GET /oauth/accounts", page, d.identities},
		{"DELETE /oauth/{provider}", page, d.unlink},
		{"GET /configuration", open, d.configuration},
		{"GET /jwks", open, d.jwks},
		{"GET /health", open, d.health},

		{"GET /{$}", private, d.root},
		{"GET /stats", private, d.stats},
		{"GET /metrics", private, d.metrics},
		{"GET /accounts/{id}", private, d.account},
		{"DELETE /accounts/{id}", private, d.change(d.archive)},
		{"DELETE /accounts/{id}/oauth/{provider}", private, d.unlinkOf},
		{"POST /accounts/import", private, d.add},
	}
	for _, method := range []string{"PATCH", "PUT"} {
		all = append(all,
			route{method + " /accounts/{id}", private, d.change(d.rename)},
			route{method + " /accounts/{id}/lock", private, d.change(d.lock)},
			route{method + " /accounts/{id}/unlock", private, d.change(d.unlock)},
			route{method + " /accounts/{id}/expire_password", private, d.change(d.expire)},
		)
	}
	if d.SignUp {
		all = append(all, route{"POST /accounts", page, d.signUp}, route{"GET /accounts/available", page, d.available})
	}
	if d.Resets {
		all = append(all, route{"GET /password/reset", page, d.startReset})
	}
	if d.Passwordless {
		all = append(all, route{"GET /session/token", page, d.startToken}, route{"POST /session/token", page, d.useToken})
	}
	return all
}

// Handler returns the routes: all of them, or the public ones. They are below Path.
func (d *Door) Handler(withPrivate bool) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range d.routes() {
		if rt.access == private && !withPrivate {
			continue
		}
		_, below, _ := strings.Cut(rt.pattern, " ")
		name := "keratin:" + strings.TrimSuffix(below, "{$}")
		mux.HandleFunc(rt.pattern, d.counted(rt.pattern, func(w http.ResponseWriter, r *http.Request) {
			web.RequestOf(r.Context()).Route = name
			if err := d.serve(w, r, rt); err != nil {
				fail(w, r, err)
			}
		}))
	}
	below := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			d.allowReading(w, r)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if r.URL.Path != path.Clean(r.URL.Path) {
			http.NotFound(w, r) // the mux would redirect, to a path outside of AUTHN_URL
			return
		}
		mux.ServeHTTP(w, r)
	}))
	if d.path == "" {
		return below
	}
	return http.StripPrefix(d.path, below)
}

// counted counts the requests of a route, under the name that Keratin AuthN has for it.
func (d *Door) counted(pattern string, next http.HandlerFunc) http.HandlerFunc {
	if d.Count == nil {
		return next
	}
	name := strings.NewReplacer("{$}", "", "{id}", "{id:[0-9]+}").Replace(pattern)
	return func(w http.ResponseWriter, r *http.Request) {
		seen := &status{ResponseWriter: w, code: http.StatusOK}
		began := time.Now()
		next(seen, r)
		d.Count(name, seen.code, time.Since(began))
	}
}

// status remembers the status of an answer.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// serve lets a request through to its handler, if it may come.
func (d *Door) serve(w http.ResponseWriter, r *http.Request, rt route) error {
	a, err := d.asks(w, r)
	if err != nil {
		return err
	}
	switch rt.access {
	case open:
		w.Header().Set("Access-Control-Allow-Origin", "*")
	case page:
		d.allowReading(w, r)
		var ok bool
		// Browsers send the cookie from every page: only those of the app may use it.
		if a.audience, ok = d.audienceOf(originOf(r)); !ok {
			http.Error(w, "Origin is not a trusted host.", http.StatusForbidden)
			return nil
		}
	case private:
		// The app's server sends none. A browser does that was given the password, for which other pages could use it.
		if origin := r.Header.Get("Origin"); origin != "" {
			if _, ok := d.audienceOf(origin); !ok {
				http.Error(w, "Origin is not a trusted host.", http.StatusForbidden)
				return nil
			}
		}
		if ok, err := d.authenticated(a); err != nil {
			return err
		} else if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="Private AuthN Realm"`)
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(http.StatusUnauthorized)
			return nil
		}
		a.asker.Actor = actor
	}
	if a.fields, err = readFields(r); err != nil {
		return err
	}
	return rt.serve(a)
}

// actor stands for the app's server in the audit trail.
const actor = "keratin"
