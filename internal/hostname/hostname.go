// Package hostname compares names of hosts in the form that browsers send: in lower case, names in
// other scripts as A-labels, and without the port that is the default of the scheme. A tenant whose
// host is configured in another form could never be reached.
package hostname

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// hostNames converts names to the form that browsers send (UTS 46, non-transitional).
var hostNames = idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.BidiRule(), idna.VerifyDNSLength(true))

// plainName matches the names that browsers accept after the conversion: underscores are allowed,
// wildcards are not.
var plainName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// Canonical returns a host, with or without a port, in the form that browsers send it for an
// address of the scheme: in lower case, with A-labels (xn--…), and without the scheme's default
// port. It returns an error if host is not a host, because no request can name it.
func Canonical(scheme, host string) (string, error) {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i+1:]
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 || strconv.Itoa(n) != port {
			return "", errors.New("has no valid port")
		}
	}
	name, err := canonicalName(name)
	if err != nil || port == "" || port == ownPort(scheme) {
		return name, err
	}
	return name + ":" + port, nil
}

// canonicalName is Canonical for a host without a port.
func canonicalName(name string) (string, error) {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !strings.HasSuffix(inner, "]") || !ip.Is6() || ip.Zone() != "" {
			return "", errors.New("has no valid IPv6 address")
		}
		return "[" + ip.String() + "]", nil
	}
	ascii, err := hostNames.ToASCII(name)
	if err != nil || !plainName.MatchString(ascii) {
		return "", errors.New("has no valid name")
	}
	return ascii, nil
}

// ownPort returns the default port of the scheme.
func ownPort(scheme string) string { return map[string]string{"https": "443", "http": "80"}[scheme] }

// Same reports whether a Host header names the issuer's host.
func Same(host string, issuer *url.URL) bool {
	return strings.EqualFold(host, issuer.Host) || Bare(host, issuer.Scheme) == issuer.Host
}

// Bare returns a Host header in lower case, without the scheme's default port.
func Bare(host, scheme string) string {
	host = strings.ToLower(host)
	if name, port, err := net.SplitHostPort(host); err == nil && port == ownPort(scheme) {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return host
}
