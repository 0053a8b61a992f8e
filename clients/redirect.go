package clients

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// AllowsRedirect says whether uri is one that the client registered: the very same
// string (RFC 9700 section 2.1), but for a path of "/" that one of them has and the other
// leaves out, or, for native clients, a loopback address that differs in the port only
// (RFC 8252 section 7.3). What is answered, and has to be repeated at the token endpoint,
// is what the client sent.
func AllowsRedirect(c *storage.Client, registered []string, uri string) bool {
	if slices.Contains(registered, uri) {
		return true
	}
	uri = withRootPath(uri)
	bare, loopback := "", false
	if c.ApplicationType == "native" {
		bare, loopback = withoutLoopbackPort(uri)
	}
	return slices.ContainsFunc(registered, func(r string) bool {
		r = withRootPath(r)
		if r == uri {
			return true
		}
		have, ok := withoutLoopbackPort(r)
		return loopback && ok && have == bare
	})
}

// withRootPath is an http or https uri with "/" for its path if that is empty: to every
// browser and server the two are one (RFC 3986 section 6.2.3). It works on the string, and
// makes nothing else alike.
func withRootPath(uri string) string {
	_, rest, ok := strings.Cut(uri, "://")
	if !ok || !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "http://") {
		return uri
	}
	end := strings.IndexAny(rest, "/?#\\")
	switch {
	case end < 0:
		return uri + "/"
	case rest[end] == '?':
		at := len(uri) - len(rest) + end
		return uri[:at] + "/" + uri[at:]
	}
	return uri
}

// withoutLoopbackPort is uri less its port, when uri is http to a loopback IP literal.
// It works on the string, so that no two spellings of anything else are confused.
func withoutLoopbackPort(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return "", false
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if strings.ContainsAny(tail, "\\#") || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", false
	}
	host := authority
	if h, port, err := net.SplitHostPort(authority); err == nil {
		if port == "" || strings.Trim(port, "0123456789") != "" || len(port) > 5 {
			return "", false
		}
		host = h
		if strings.HasPrefix(authority, "[") {
			host = "[" + h + "]"
		}
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if err != nil || !ip.IsLoopback() || ip.Zone() != "" {
		return "", false
	}
	return "http://" + host + tail, true
}
