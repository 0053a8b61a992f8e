package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// New returns a Server.
func New(c Config) *Server {
	s := &Server{Config: c, names: map[string]string{}, toldBare: map[string]bool{}}
	s.grants = cache.Cache[grantKey, *caller]{Load: s.loadGrant, Name: grantKey.String}
	for _, what := range rules.Told() {
		name := http.CanonicalHeaderKey(c.Rules.HeaderName(what))
		s.names[what] = name
		if name != "Authorization" { // which browsers and programs send themselves
			s.told = append(s.told, name)
			s.toldBare[bareName(name)] = true
		}
	}
	s.answer = web.Handler(c.Errors, s.check)
	return s
}

// Before returns a handler that answers checks, and passes all other requests to next. Checks come at any host but
// the issuer's: proxies such as Envoy keep the host of the app.
func (s *Server) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, Path) {
			next.ServeHTTP(w, r)
			return
		}
		s.Tenant(w, r, s.Rules.Tenant, http.HandlerFunc(func(w http.ResponseWriter, checked *http.Request) {
			t := web.TenantOf(checked.Context())
			if rules.HostName(r.Host) == issuerHost(t) {
				next.ServeHTTP(w, r) // which has no such page
				return
			}
			s.answer.ServeHTTP(w, checked)
		}))
	})
}

// check answers a check.
func (s *Server) check(w http.ResponseWriter, r *http.Request) error {
	id, below, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Path), "/")
	e := s.Rules.Entry(id)
	page := e != nil && e.Form == rules.Nginx && below == "page"
	switch {
	case !s.trusts(r):
		return &web.Problem{Status: http.StatusForbidden, Elsewhere: true, Message: "problem.no_page",
			Program:   "Only trusted proxies may ask the gateway.",
			Developer: "The check comes from an address that is none of VOUCHSAFE_TRUSTED_PROXIES."}
	case e == nil, below != "" && !page && e.Form != rules.Envoy:
		return &web.Problem{Status: http.StatusForbidden, Elsewhere: true, Message: "problem.no_page",
			Program: "The gateway file has no such entry."}
	}
	web.RequestOf(r.Context()).Route = Path + "{entry}"
	w.Header()["Cache-Control"] = noStore
	x := &exchange{s: s, w: w, r: r, t: web.TenantOf(r.Context()), bare: e.Form == rules.Nginx && !page, page: page}
	err := x.read(e)
	if err == nil {
		err = x.serve()
	}
	if err == nil || !x.bare {
		return err
	}
	return x.short(err)
}

var noStore = []string{"no-store"}

// serve answers a check whose request was read.
func (x *exchange) serve() error {
	if below, ok := strings.CutPrefix(x.asked.Path, ownPath); ok {
		return x.serveOwn(below)
	}
	v, err := x.decide()
	if err != nil {
		return err
	}
	switch {
	case v != nil:
		return x.refuse(v)
	case x.page: // what was refused is allowed by now
		return x.again()
	}
	return x.allow()
}

// short turns an error into the status of an answer without a page.
func (x *exchange) short(err error) error {
	p := web.AsProblem(err)
	if p.Status >= 500 {
		return err
	}
	web.Note(x.r.Context(), "refused", p.Program)
	status := http.StatusForbidden
	if p.Status == http.StatusUnauthorized {
		status = http.StatusUnauthorized
	}
	x.w.WriteHeader(status)
	return nil
}

// trusts reports whether the request comes from a proxy that may ask.
func (s *Server) trusts(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return true // a Unix socket: its file mode decides which processes may connect
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}
