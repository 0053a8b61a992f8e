package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// read reads which request is checked, from the headers that the entry's form names and from no other. Each of them
// must be there once: of two, a browser may have sent one. Schemes are ignored: apps are served as the issuer is.
func (x *exchange) read(e *rules.Entry) error {
	host, ok := "", false
	switch e.Form {
	case rules.Nginx, rules.HAProxy:
		var url string
		if url, ok = x.one("X-Original-Url"); ok {
			host, x.target, ok = splitURL(url)
		}
		if ok {
			x.asked.Method, ok = x.one("X-Original-Method")
		}
	case rules.Traefik, rules.Caddy:
		var hasHost, hasTarget bool
		host, hasHost = x.one("X-Forwarded-Host")
		x.target, hasTarget = x.one("X-Forwarded-Uri")
		x.asked.Method, ok = x.one("X-Forwarded-Method")
		ok = ok && hasHost && hasTarget
	case rules.Envoy:
		host, x.asked.Method = x.r.Host, x.r.Method
		x.target, ok = strings.CutPrefix(x.r.RequestURI, Path+e.ID)
	}
	if x.asked.Host = rules.HostName(host); !ok || x.asked.Host == "" || !isMethod(x.asked.Method) {
		return &web.Problem{Status: http.StatusForbidden, Elsewhere: true, Message: "gateway.ambiguous",
			Program: "The check doesn't say, once each, which method, host and path are asked for, as the form " + e.Form +
				" of the entry does."}
	}
	var err error
	if x.asked.Path, err = rules.Path(x.target); err != nil {
		return &web.Problem{Status: http.StatusForbidden, Elsewhere: true, Message: "gateway.ambiguous",
			Program: "The path could be read in two ways. It may have no escaped slash, no backslash, no semicolon and " +
				"no segment that is empty, . or .."}
	}
	return nil
}

// one returns the value of a header that is there once.
func (x *exchange) one(name string) (string, bool) {
	all := x.r.Header[name]
	if len(all) != 1 {
		return "", false
	}
	return all[0], all[0] != ""
}

// splitURL returns the host and the rest of an absolute URL.
func splitURL(url string) (host, target string, ok bool) {
	_, rest, ok := strings.Cut(url, "://")
	i := strings.IndexByte(rest, '/')
	if !ok || i < 0 || !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		return "", "", false
	}
	return rest[:i], rest[i:], true
}

// isMethod reports whether s is a method as proxies write them.
func isMethod(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 20
}

// overrides are headers by which some apps take another method than that of the request.
var overrides = []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}

// isForged reports whether the browser sent what only the gateway may tell the app, in any spelling that an app reads
// as the same name: CGI, WSGI and PHP make _ of - and of other characters.
func (x *exchange) isForged() bool {
	for _, name := range x.s.told {
		if len(x.r.Header[name]) > 0 {
			return true
		}
	}
	for name := range x.r.Header {
		if isOdd(name) && x.s.toldBare[bareName(name)] {
			return true
		}
	}
	return false
}

// overridesMethod reports whether a header names a second method, in any spelling.
func (x *exchange) overridesMethod() bool {
	for _, name := range overrides {
		if len(x.r.Header[name]) > 0 {
			return true
		}
	}
	for name := range x.r.Header {
		if isOdd(name) && slices.Contains(overrides, http.CanonicalHeaderKey(bareName(name))) {
			return true
		}
	}
	return false
}

// isOdd reports whether the name of a header has other characters than letters, digits and -.
func isOdd(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return true
		}
	}
	return false
}

// bareName returns the name of a header in small letters, with - in the place of all that isOdd speaks of.
func bareName(name string) string {
	return strings.Map(func(r rune) rune {
		if isOdd(string(r)) {
			return '-'
		}
		return r
	}, strings.ToLower(name))
}

// navigates reports whether the browser shows the answer as a page: then it can be sent to sign in and back. Scripts,
// forms and programs cannot.
func (x *exchange) navigates() bool {
	if x.asked.Method != http.MethodGet {
		return false
	}
	h := x.r.Header
	if mode := h["Sec-Fetch-Mode"]; len(mode) > 0 {
		dest := h.Get("Sec-Fetch-Dest")
		return mode[0] == "navigate" && (dest == "document" || dest == "")
	}
	return h.Get("X-Requested-With") == "" && strings.Contains(h.Get("Accept"), "text/html")
}
