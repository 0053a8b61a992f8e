package server

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/gateway"
	"github.com/vouchsafe/vouchsafe/internal/hostname"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

const (
	// maxBody bounds the body of a request, in bytes. The largest honest one is a form with an assertion
	// or a token.
	maxBody = 128 << 10
	// requestTimeout bounds how long a request may wait for databases and other servers.
	requestTimeout = 20 * time.Second
	// answerTimeout bounds how long a client may take to receive an answer, once it is there.
	answerTimeout = 10 * time.Second
)

// routes returns the routes below a tenant's issuer. Those of the protocol come first: they are used most,
// and gorilla/mux looks from top to bottom.
func (s *Server) routes() *mux.Router {
	r := mux.NewRouter().SkipClean(true) // an odd path is not found, rather than led elsewhere
	s.Provider.Register(r)
	s.pages.Register(r)
	s.reset.Register(r)
	s.api.Register(r)
	s.account.Register(r)
	s.admin.Register(r)
	if s.console != nil {
		s.console.Register(r)
	}
	if s.dev != nil {
		s.dev.Register(r)
	}
	refuse := func(status int, id, sentence string) http.Handler {
		return web.Handler(s.admin.ErrorPage, func(_ http.ResponseWriter, r *http.Request) error {
			return &web.Problem{Status: status, Message: id,
				Program: sentence + " The endpoints are listed at " +
					web.TenantOf(r.Context()).URL("/.well-known/openid-configuration") + "."}
		})
	}
	r.NotFoundHandler = withoutSlash(readPaths(r),
		refuse(http.StatusNotFound, "problem.no_page", "There is no such page."))
	r.MethodNotAllowedHandler = refuse(http.StatusMethodNotAllowed, "problem.page_method",
		"This page cannot be used in that way.")
	return r
}

// PrintRoutes prints a line for each route of the public listener below a tenant's issuer, with its methods if it
// has any, and with the rest of the row for an endpoint of the protocol.
func (s *Server) PrintRoutes(w io.Writer) error {
	if s.gateway != nil {
		if _, err := fmt.Fprintln(w, gateway.Path+"{entry}", "*"); err != nil {
			return err
		}
	}
	return s.routes().Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return fmt.Errorf("a route without a path: %w", err)
		}
		methods, err := route.GetMethods()
		if err != nil { // it accepts any, and decides by itself
			methods = []string{"*"}
		}
		row := ""
		if e := s.Provider.Endpoint(path); e != nil {
			methods, row = e.Methods, fmt.Sprintf(" metadata=%s scripts=%s clients=%s", e.Metadata, e.Scripts,
				strings.Join(e.Clients, ","))
		}
		_, err = fmt.Fprintln(w, path, strings.Join(methods, ",")+row)
		return err
	})
}

// dispatch serves requests as r does, but without the two copies of the request that r makes. It keeps the
// template of the route for the log line and the counters, because attackers can invent any number of paths.
func dispatch(r *mux.Router) http.Handler {
	fixed := fixedRoutes(r)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if h, ok := fixed[req.URL.Path]; ok {
			web.RequestOf(req.Context()).Route = req.URL.Path
			h.ServeHTTP(w, req)
			return
		}
		var match mux.RouteMatch
		r.Match(req, &match) // it finds a handler in any case: those for unknown paths and methods
		if match.MatchErr == nil {
			if tmpl, err := match.Route.GetPathTemplate(); err == nil {
				web.RequestOf(req.Context()).Route = tmpl
			}
		}
		if len(match.Vars) > 0 {
			req = mux.SetURLVars(req, match.Vars)
		}
		match.Handler.ServeHTTP(w, req)
	})
}

// fixedRoutes returns the handlers of r by their paths, where nothing but the path decides: no variable in
// it, and no method. They need no search from top to bottom.
func fixedRoutes(r *mux.Router) map[string]http.Handler {
	fixed := make(map[string]http.Handler)
	_ = r.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error { // the function returns no error
		path, noPath := route.GetPathTemplate()
		_, noMethods := route.GetMethods()
		if noPath == nil && noMethods != nil {
			// A route above may match first.
			var match mux.RouteMatch
			if r.Match(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}, &match) &&
				match.Route == route && len(match.Vars) == 0 {
				fixed[path] = match.Handler
			}
		}
		return nil
	})
	return fixed
}

// front returns the handler before all routes. Load balancers ask for health often, and by address instead
// of the issuer's name. It is therefore served before tenants are looked for, and is not logged.
func (s *Server) front(next http.Handler) http.Handler {
	edge := s.edge()
	edge.Errors = s.Provider.ErrorPage(s.admin.ErrorPage)
	served := edge.Wrap(s.safely(next))
	alive, ready := http.HandlerFunc(s.health.Alive), s.health.Ready(false)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/healthz" && r.URL.RawPath == "":
			alive(w, r)
		case path == "/readyz" && r.URL.RawPath == "":
			ready(w, r)
		default:
			served.ServeHTTP(w, r)
		}
	})
}

// edge returns the outermost middleware of a listener. The caller sets Errors.
func (s *Server) edge() *web.Edge {
	at, _ := url.Parse(cmp.Or(s.cfg.MTLSURL, s.cfg.Issuer)) // both were checked
	return &web.Edge{
		TrustedProxies: settings.Prefixes(s.cfg.TrustedProxies), ClientIPHeader: s.cfg.ClientIPHeader, Log: s.log,
		Certificates: s.cfg.MTLS(), CertificateHeader: s.cfg.ClientCertHeader, CertificatesURL: at,
		Done: s.metrics.Done, Timeout: requestTimeout, MaxBody: maxBody, AnswerTimeout: answerTimeout,
		MaxPerAddress: s.cfg.ConnectionsPerAddress, Unlimited: settings.Prefixes(s.cfg.UnlimitedAddresses),
		Refused: s.metrics.Requests.Inc,
	}
}

// safely gives every answer the headers that protect it.
func (s *Server) safely(next http.Handler) http.Handler {
	always := web.Header{
		web.Line("X-Content-Type-Options", "nosniff"),
		web.Line("Referrer-Policy", "no-referrer"),
		// Pages set their own. Browsers must neither show nor frame other answers.
		web.Line("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
	}
	if strings.HasPrefix(s.cfg.Issuer, "https://") {
		always = append(always, web.Line("Strict-Transport-Security", "max-age=31536000"))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		always.Set(w.Header())
		next.ServeHTTP(w, r)
	})
}

// readPaths returns the paths of r that have no variables, and whether they can be read.
func readPaths(r *mux.Router) map[string]bool {
	paths := make(map[string]bool)
	_ = r.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error { // the function returns no error
		path, err := route.GetPathTemplate()
		methods, noMethods := route.GetMethods()
		if err == nil && !strings.ContainsRune(path, '{') && !strings.HasSuffix(path, "/") {
			paths[path] = paths[path] || noMethods != nil || slices.Contains(methods, http.MethodGet)
		}
		return nil
	})
	return paths
}

// withoutSlash redirects from a path with a slash too many at its end to one of the paths. All else is
// served by otherwise.
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

// mounted serves a door at the host of a URL, below a path, and everything else by next. Paths with escaped
// characters are the door's only below escaped; "" is for no such paths.
func mounted(next, door http.Handler, address, path, escaped string) http.Handler {
	at, err := url.Parse(address)
	if err != nil {
		return next // the settings were checked
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plain := r.URL.RawPath == "" || escaped != "" && strings.HasPrefix(r.URL.EscapedPath(), escaped)
		if plain && hostname.Same(r.Host, at) && strings.HasPrefix(r.URL.Path, path+"/") {
			door.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
