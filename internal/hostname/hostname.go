// Package hostname compares the names of hosts as browsers write them: in small letters, names of
// other scripts as A-labels, without the port that a scheme has anyway. A tenant whose host is
// written in another way could never be reached.
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

// hostNames makes names what browsers send for them (UTS 46, non-transitional).
var hostNames = idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.BidiRule(), idna.VerifyDNSLength(true))

// plainName is what may come out of it: underscores, which browsers take, and no wildcard.
var plainName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// Canonical is a host, with a port or without, as browsers send it to an address of the
// scheme: in small letters, names of other scripts as A-labels (xn--…), and without the port
// that the scheme has anyway. An error when it is no host: requests for it cannot come.
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

// ownPort is the port that addresses of the scheme have when they name none.
func ownPort(scheme string) string { return map[string]string{"https": "443", "http": "80"}[scheme] }

// Same says whether a Host header names the issuer's host.
func Same(host string, issuer *url.URL) bool {
	return strings.EqualFold(host, issuer.Host) || Bare(host, issuer.Scheme) == issuer.Host
}

// Bare is a Host header in small letters, without the port that the scheme has anyway.
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
