package devpage

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// keyParameter carries the key in an address, and keyCookie keeps it in the browser.
	keyParameter = "dev_key"
	keyCookie    = "vouchsafe_dev"
	// keyLife is how long a browser keeps the key, in seconds. The key itself changes with the
	// master secret only.
	keyLife = 30 * 24 * 3600
)

// Link returns the address of the page with the key in it. It is for browsers that reach this
// machine through a tunnel of the developer's.
func (p *Page) Link() string { return p.Issuer + "/dev?" + keyParameter + "=" + p.Key }

// opened serves browsers that have the key. A proxy on this machine that rewrites the Host and adds
// no header would let in every browser that reaches the proxy, and the request would not show it. A
// browser without the key is therefore sent to Doorkeeper, at another port of this machine, and
// comes back with the key. A stranger's browser finds nothing at that port.
func (p *Page) opened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, t := r.URL.Query(), web.TenantOf(r.Context())
		switch {
		case p.isKey(query.Get(keyParameter)):
			http.SetCookie(w, &http.Cookie{
				Name: keyCookie, Value: p.Key, Path: t.Path + "/dev", MaxAge: keyLife,
				Secure: strings.HasPrefix(p.Issuer, "https:"), HttpOnly: true, SameSite: http.SameSiteLaxMode,
			})
			if r.Header.Get("Sec-Fetch-Mode") == "navigate" { // the client is a browser, and keeps the cookie
				query.Del(keyParameter)
				redirect(w, t.URL(target(r.URL.Path, query)))
				return
			}
		case p.hasKey(r):
		case p.Door != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			base, err := url.Parse(p.Issuer)
			if err != nil {
				web.Fail(p.Errors, w, r, err)
				return
			}
			redirect(w, base.Scheme+"://"+net.JoinHostPort(base.Hostname(), p.Door)+target("/",
				url.Values{"to": {t.Path + target(r.URL.Path, query)}}))
			return
		default:
			web.Fail(p.Errors, w, r, &web.Problem{Status: http.StatusForbidden, Message: "problem.developer_page"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hasKey reports whether the request's cookie holds the key.
func (p *Page) hasKey(r *http.Request) bool {
	return slices.ContainsFunc(r.CookiesNamed(keyCookie), func(c *http.Cookie) bool { return p.isKey(c.Value) })
}

// isKey compares s with the key in constant time.
func (p *Page) isKey(s string) bool {
	return p.Key != "" && subtle.ConstantTimeCompare([]byte(s), []byte(p.Key)) == 1
}

// developerPath matches the paths of the developer pages of all tenants.
var developerPath = regexp.MustCompile(`^(/t/[a-z0-9-]+)?/dev(/|$)`)

// Doorkeeper returns the handler that sends a browser on this machine back to the page, with the
// key. Serve it on loopback addresses only, at a port of its own that no proxy knows.
func (p *Page) Doorkeeper() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := url.Parse(r.URL.Query().Get("to"))
		if err != nil || r.URL.Path != "/" || !fromHere(r) || to.Scheme != "" || to.Host != "" ||
			!developerPath.MatchString(to.Path) {
			http.NotFound(w, r)
			return
		}
		query := to.Query()
		query.Set(keyParameter, p.Key)
		redirect(w, p.Issuer+target(to.Path, query))
	})
}

// target returns the path followed by the query.
func target(path string, query url.Values) string {
	return (&url.URL{Path: path, RawQuery: query.Encode()}).String()
}

// redirect sends the browser to an address that contains the key: the answer must not be cached,
// and the address not sent as a referrer.
func redirect(w http.ResponseWriter, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// fromHere reports whether a request comes from this machine, as far as the request shows it. The
// Host must be a name of this machine, because a page elsewhere could let its own host name resolve
// to 127.0.0.1 and would then share this origin (DNS rebinding). A tunnel or proxy on this machine
// forwards requests of strangers from a loopback address: headers that most of them add give it
// away.
func fromHere(r *http.Request) bool {
	return loopback(r.Host) && loopback(r.RemoteAddr) && !forwarded(r)
}

// forwarded reports whether a proxy has forwarded the request, as far as its headers show it.
func forwarded(r *http.Request) bool {
	return slices.ContainsFunc([]string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
		"X-Real-Ip"}, func(name string) bool {
		return r.Header.Values(name) != nil
	})
}

// loopback reports whether HOST or HOST:PORT is a name or an address of this machine itself.
func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// anyTenant reports whether a tenant is the default one, or below its host, where the playground's cookies
// are.
func anyTenant(t *issuer.Tenant) bool { return t.Host == "" || defaultTenant(t) }

// defaultTenant reports whether the tenant is the default tenant.
func defaultTenant(t *issuer.Tenant) bool { return t.ID == storage.DefaultTenant }

// here serves requests for a tenant that fits, and that come from this machine, as far as fromHere can
// tell. It answers 404 to others. It sets the headers of all developer pages.
func (p *Page) here(fits func(*issuer.Tenant) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fits(web.TenantOf(r.Context())) || !fromHere(r) {
			web.Fail(p.Errors, w, r, &web.Problem{Status: http.StatusNotFound, Message: "problem.no_page"})
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; "+
				"base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // the address of the callback contains a code
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
