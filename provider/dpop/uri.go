package dpop

import (
	"net/url"
	"strings"
)

// sameURI reports whether two URIs are the same after normalisation. Most clients write what the metadata says.
func sameURI(a, b string) bool { return a != "" && (a == b || normalURI(a) == normalURI(b)) }

// normalURI returns a URI as it is compared with htu: without query and fragment, and normalised by its syntax and its
// scheme (RFC 3986 sections 6.2.2 and 6.2.3). It returns "" for what is no http or https URI of a host.
func normalURI(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Host == "" {
		return ""
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	switch {
	case scheme != "https" && scheme != "http":
		return ""
	case port != "" && (scheme != "https" || port != "443") && (scheme != "http" || port != "80"):
		host += ":" + port
	}
	u = u.ResolveReference(&url.URL{Path: u.Path, RawPath: u.RawPath}) // removes dot segments
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + normalEscapes(path)
}

// normalEscapes returns a path in which only those characters are escaped that need it, in capitals.
func normalEscapes(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			out.WriteByte(path[i])
			continue
		}
		escape := strings.ToUpper(path[i : i+3])
		if c, err := url.PathUnescape(escape); err == nil && unreserved(c[0]) {
			escape = c
		}
		out.WriteString(escape)
		i += 2
	}
	return out.String()
}

// unreserved reports whether c is one of the unreserved characters of RFC 3986 section 2.3.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
