package clients

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// RedirectFault returns what is wrong with a redirect URI that the client would register, and what to write instead; ""
// if nothing is.
func RedirectFault(c *storage.Client, uri string) string {
	return redirectFault(c.ApplicationType == "native", c.SchemesWithoutDot, uri)
}

// AllowsRedirect reports whether uri is one of those that the client registered. It must be the very same
// string (RFC 9700 section 2.1), with two exceptions: one of the two may leave out a path of "/", and for
// native clients a loopback address may have another port (RFC 8252 section 7.3). The browser returns to
// the URI that the client sent, and the token endpoint expects that one. A URI whose host begins with "*." stands for
// all names one label below: Validate refuses such URIs, so that only the gateway's own client has any.
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
		if r == uri || matchesWildcard(r, uri) {
			return true
		}
		have, ok := withoutLoopbackPort(r)
		return loopback && ok && have == bare
	})
}

// matchesWildcard reports whether uri is a registered one but for the first label of its host, which is a wildcard.
func matchesWildcard(registered, uri string) bool {
	before, after, ok := strings.Cut(registered, "://*.")
	if !ok {
		return false
	}
	rest, ok := strings.CutPrefix(uri, before+"://")
	label, rest, found := strings.Cut(rest, ".")
	return ok && found && rest == after && label != "" &&
		strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// withRootPath returns an http or https URI with "/" as its path if that is empty: for browsers and
// servers the two are the same (RFC 3986 section 6.2.3). It works on the string, and so makes no other
// two URIs equal.
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

// withoutLoopbackPort returns uri without its port if it is http to a loopback IP literal or to localhost, which
// editors and command-line programs register (RFC 8252 section 8.3 advises against it, and RFC 6761 section 6.3 has
// made it safe in browsers since). It works on the string, and so makes no other two URIs equal.
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
	if host == "localhost" {
		return "http://" + host + tail, true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if err != nil || !ip.IsLoopback() || ip.Zone() != "" {
		return "", false
	}
	return "http://" + host + tail, true
}
