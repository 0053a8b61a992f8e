package backendauth

import (
	"fmt"
	"mime"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// route is one route of backend-auth.
type route struct {
	pattern string // METHOD PATH, as http.ServeMux has it
	tenant  bool   // the request needs the token of a tenant's app
	serve   func(*asking) error
}

// routes returns the routes that there are.
func (d *Door) routes() []route {
	return []route{
		{"POST /tenant", false, d.register},
		{"POST /tenant/login", false, d.signInTenant},
		{"POST /tenant/logout", false, d.signOutTenant},
		{"POST /tenant/verify", false, d.verifyTenant},
		{"POST /user", true, d.addUser},
		{"GET /user", true, d.listUsers},
		{"DELETE /user/{login}", true, d.removeUser},
		{"POST /auth", true, d.signIn},
		{"POST /auth/verify", true, d.verify},
		{"POST /auth/logout", true, d.signOut},
		{"POST /auth/fb", true, d.byProvider("fb")},
		{"POST /auth/vk", true, d.byProvider("vk")},
	}
}

// Handler returns the routes, below Path. maintenance says that requests come by the listener that asks for client
// certificates.
func (d *Door) Handler(maintenance bool) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range d.routes() {
		_, path, _ := strings.Cut(rt.pattern, " ")
		name := "backend-auth:" + path
		mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) {
			req := web.RequestOf(r.Context())
			if req.Route = name; strings.Contains(path, "{") {
				req.LoggedPath = d.at.Path + path // logins are often addresses
			}
			if err := d.serve(w, r, rt, maintenance); err != nil {
				fail(w, r, err)
			}
		})
	}
	below := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.admit(w, r) {
			return
		}
		// A slash at the end makes no difference there.
		if p := r.URL.EscapedPath(); len(p) > 1 && strings.HasSuffix(p, "/") {
			r2, u := *r, *r.URL
			u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
			r2.URL = &u
			r = &r2
		}
		if _, pattern := mux.Handler(r); pattern == "" || path.Clean(r.URL.EscapedPath()) != r.URL.EscapedPath() {
			failText(w, http.StatusNotFound, "Cannot "+r.Method+" "+r.URL.EscapedPath())
			return
		}
		mux.ServeHTTP(w, r)
	}))
	if d.at.Path == "" {
		return below
	}
	return http.StripPrefix(d.at.Path, below)
}

// headers are those of all answers.
var headers = web.Header{
	web.Line("Access-Control-Allow-Origin", "*"),
	web.Line("Access-Control-Allow-Methods", "GET, PUT, POST, DELETE, OPTIONS"),
	web.Line("Access-Control-Allow-Headers", "Content-Type, Authorization, Content-Length, X-Requested-With, Accept"),
	web.Line("X-Content-Type-Options", "nosniff"),
	web.Line("X-Frame-Options", "deny"),
	web.Line("Content-Security-Policy", "default-src 'none'"),
}

// admit sets the headers that all answers have, and answers what comes to no route: in the order of backend-auth.
func (d *Door) admit(w http.ResponseWriter, r *http.Request) bool {
	headers.Set(w.Header())
	if d.ForceHTTPS {
		if !d.cameByTLS(r) {
			http.Redirect(w, r, d.secureURL(r), http.StatusFound)
			return false
		}
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("OK")) // a client that is gone needs no answer
		return false
	case !accepts(r):
		failText(w, http.StatusNotAcceptable, `Unsupported "Accept" header`)
		return false
	case r.Method == http.MethodPost && !isJSON(r.Header.Get("Content-Type")):
		failText(w, http.StatusNotAcceptable, `Unsupported "Content-Type"`)
		return false
	}
	wait, ok := d.throttle(r.Context(), web.RequestOf(r.Context()).IP)
	if !ok {
		later(w, wait)
		failText(w, http.StatusTooManyRequests, fmt.Sprintf("You must wait %d ms before you can make requests.",
			max(1, wait.Round(time.Millisecond).Milliseconds())))
	}
	return ok
}

// isJSON reports whether a media type is that of JSON.
func isJSON(typ string) bool {
	kind, _, err := mime.ParseMediaType(typ)
	return err == nil && kind == "application/json"
}

// accepts reports whether the client names JSON among what it accepts.
func accepts(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for typ := range strings.SplitSeq(line, ",") {
			if isJSON(strings.TrimSpace(typ)) {
				return true
			}
		}
	}
	return false
}

// cameByTLS reports whether the client sent the request by TLS: to this server, or to a proxy that says so.
func (d *Door) cameByTLS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && contains(d.TrustedProxies, peer.Addr().Unmap().String()) &&
		strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// secureURL returns the URL of the request by https: at the host that is set, and not at one that the client names.
func (d *Door) secureURL(r *http.Request) string {
	host := d.at.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	switch {
	case d.HTTPSPort == "443":
	case d.HTTPSPort != "":
		host += ":" + d.HTTPSPort
	case d.at.Scheme == "https" && d.at.Port() != "":
		host += ":" + d.at.Port()
	}
	return "https://" + host + d.at.Path + r.URL.RequestURI()
}

// serve lets a request through to its handler, if it may come.
func (d *Door) serve(w http.ResponseWriter, r *http.Request, rt route, maintenance bool) error {
	a, err := d.asks(w, r)
	if err != nil {
		return err
	}
	if rt.tenant {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return errNotAuthorized
		}
		a.asker.Tenant, _, err = d.People.OpenTenant(r.Context(), token)
		if err != nil {
			return asNotAuthorized(err)
		}
	}
	if r.Method == http.MethodPost {
		if a.body, err = readBody(r); err != nil {
			return err
		}
	}
	a.registers = d.mayRegister(a, maintenance)
	return rt.serve(a)
}

// mayRegister reports whether the client may add a tenant. A client certificate decides alone if there is one.
func (d *Door) mayRegister(a *asking, maintenance bool) bool {
	if maintenance && a.TLS != nil && len(a.TLS.VerifiedChains) > 0 {
		return d.Issuer != "" && a.TLS.VerifiedChains[0][0].Issuer.CommonName == d.Issuer
	}
	return contains(d.Registrars, a.asker.IP)
}
