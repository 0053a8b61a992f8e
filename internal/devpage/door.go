package devpage

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

const (
	// keyParameter has the key in an address, and keyCookie keeps it in the browser.
	keyParameter = "dev_key"
	keyCookie    = "vouchsafe_dev"
	// keyLife is how long a browser keeps the key, in seconds. The key itself lives as long as
	// the master secret.
	keyLife = 30 * 24 * 3600
)

// Link is the address of the page with the key in it, for browsers that reach this machine
// by a tunnel of their owner's.
func (p *Page) Link() string { return p.Issuer + "/dev?" + keyParameter + "=" + p.Key }

// opened serves those who have the key. A proxy on this machine that writes the Host anew and
// adds nothing to a request brings in everybody who reaches it, and no request tells of it.
// A browser without the key is therefore sent to Doorkeeper at another port of this machine
// and comes back with the key: a stranger's browser finds nothing there.
func (p *Page) opened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		switch {
		case p.isKey(query.Get(keyParameter)):
			http.SetCookie(w, &http.Cookie{
				Name: keyCookie, Value: p.Key, Path: "/dev", MaxAge: keyLife,
				Secure: strings.HasPrefix(p.Issuer, "https:"), HttpOnly: true, SameSite: http.SameSiteLaxMode,
			})
			if r.Header.Get("Sec-Fetch-Mode") == "navigate" { // a browser: it keeps the cookie
				query.Del(keyParameter)
				redirect(w, p.Issuer+target(r.URL.Path, query))
				return
			}
		case p.hasKey(r):
		case p.Door != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			base, err := url.Parse(p.Issuer)
			if err != nil {
				web.Fail(p.Errors, w, r, err)
				return
			}
			redirect(w, base.Scheme+"://"+net.JoinHostPort(base.Hostname(), p.Door)+target("/", url.Values{"to": {target(r.URL.Path, query)}}))
			return
		default:
			web.Fail(p.Errors, w, r, &web.Problem{Status: http.StatusForbidden, Message: "problem.developer_page"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Page) hasKey(r *http.Request) bool {
	return slices.ContainsFunc(r.CookiesNamed(keyCookie), func(c *http.Cookie) bool { return p.isKey(c.Value) })
}

func (p *Page) isKey(s string) bool {
	return p.Key != "" && subtle.ConstantTimeCompare([]byte(s), []byte(p.Key)) == 1
}

// Doorkeeper sends a browser that is on this machine back to the page, with the key. It is to
// be served at a port of its own, which no proxy knows, on loopback addresses alone.
func (p *Page) Doorkeeper() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := url.Parse(r.URL.Query().Get("to"))
		if err != nil || r.URL.Path != "/" || !fromHere(r) || to.Scheme != "" || to.Host != "" || to.Path != "/dev" && !strings.HasPrefix(to.Path, "/dev/") {
			http.NotFound(w, r)
			return
		}
		query := to.Query()
		query.Set(keyParameter, p.Key)
		redirect(w, p.Issuer+target(to.Path, query))
	})
}

// target is a path, and the query behind it.
func target(path string, query url.Values) string {
	return (&url.URL{Path: path, RawQuery: query.Encode()}).String()
}

func redirect(w http.ResponseWriter, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// fromHere says whether a request comes from this machine, as far as it tells. A page
// elsewhere could have its own host name resolve to 127.0.0.1 and be of the same origin as
// this (DNS rebinding): the Host tells. A tunnel or proxy that runs here brings others in from
// a loopback address: what most of them add to the request tells.
func fromHere(r *http.Request) bool {
	return loopback(r.Host) && loopback(r.RemoteAddr) && !forwarded(r)
}

// forwarded says whether a proxy handed on another's request.
func forwarded(r *http.Request) bool {
	return slices.ContainsFunc([]string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}, func(name string) bool {
		return r.Header.Values(name) != nil
	})
}

// loopback says whether HOST or HOST:PORT is this machine by any name it has for itself.
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
