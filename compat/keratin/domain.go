package keratin

import (
	"net/url"
	"strings"
)

// domain is where pages of the app are.
type domain struct{ host, port string }

// parseDomain reads HOST or HOST:PORT.
func parseDomain(text string) domain {
	text = strings.ToLower(text)
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		return domain{text[:i], text[i+1:]}
	}
	return domain{text, ""}
}

// matches reports whether a page of the origin is one of the domain's.
func (d domain) matches(origin *url.URL) bool {
	host := strings.ToLower(origin.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return matchesHost(d.host, host) && (d.port == "" || d.port == portOf(origin))
}

// matchesHost reports whether a host matches a pattern, in which * stands for one or more characters.
func matchesHost(pattern, host string) bool {
	before, after, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == host
	}
	rest, ok := strings.CutPrefix(host, before)
	if !ok {
		return false
	}
	for i := 1; i <= len(rest); i++ {
		if matchesHost(after, rest[i:]) {
			return true
		}
	}
	return false
}

// portOf returns the port of a URL: that of its scheme unless it has one.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	case u.Scheme == "https":
		return "443"
	}
	return ""
}
