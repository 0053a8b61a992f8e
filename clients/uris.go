package clients

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// answerParameters are those that the authorization endpoint adds to a redirect URI. If the URI had one
// already, the client would get it twice and could read the wrong one.
var answerParameters = []string{"code", "state", "iss", "error", "error_description", "session_state"}

// redirectFault returns what is wrong with a redirect URI and what to write instead, or "" (RFC 9700
// section 2.1, RFC 8252 sections 7 and 8.4). URIs are compared as strings later, so that each address
// may have one spelling only.
func redirectFault(native, withoutDot bool, raw string) string {
	u, message := parseURI(raw)
	if message != "" {
		return message
	}
	switch u.Scheme {
	case "https", "http":
		if message := authorityFault(u, raw); message != "" {
			return message
		}
		if u.Scheme == "http" && !loopbackHost(u.Hostname()) {
			return "is not encrypted: write https; http is for localhost and loopback addresses"
		}
	default:
		if message := schemeFault(u.Scheme, withoutDot); message != "" {
			return message
		}
		if !native {
			return "has a custom scheme, which only native apps can use: write https, or set " +
				"application_type to native"
		}
		if u.User != nil {
			return "has a username: remove what comes before @"
		}
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return "has . or .. in its path, which browsers would resolve: write the path that they come to"
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "has a query that is not a form: remove it"
	}
	for name := range query {
		if slices.Contains(answerParameters, name) {
			return "has the parameter " + name + ", which answers add: remove it"
		}
	}
	return ""
}

// dangerousSchemes make browsers run code, read files or start another program than an app that signs in.
var dangerousSchemes = []string{
	"about", "blob", "chrome", "chrome-extension", "content", "data", "facetime", "file", "filesystem", "ftp", "intent",
	"jar", "javascript", "mailto", "market", "moz-extension", "resource", "sms", "ssh", "tel", "telnet", "vbscript",
	"view-source", "ws", "wss",
}

// schemeFault returns what is wrong with the custom scheme of a native app, or "". Any app on the device can claim
// one. A domain in reverse says at least whose app it ought to be (RFC 8252 section 7.1), and no dangerous scheme has
// a dot; withoutDot allows the others as well.
func schemeFault(scheme string, withoutDot bool) string {
	switch {
	case strings.Contains(scheme, "."):
		return ""
	case slices.Contains(dangerousSchemes, scheme) || strings.HasPrefix(scheme, "ms-"):
		return "has the scheme " + scheme + ", which is dangerous: write another one"
	case !withoutDot:
		return "has the scheme " + scheme + ": write https, or for a native application a scheme that is a domain of " +
			"yours in reverse, such as com.example.app:/callback; or set schemes_without_dot"
	}
	return ""
}

// linkFault returns what is wrong with an address that users follow or Vouchsafe reads, or "".
func linkFault(raw string, loopback bool) string {
	u, message := parseURI(raw)
	switch {
	case message != "":
		return message
	case u.Scheme == "http" && loopback && loopbackHost(u.Hostname()):
	case u.Scheme != "https":
		return "is not an https address: write https://…"
	}
	return authorityFault(u, raw)
}

// originFault returns what is wrong with the origin of a script, or "" (RFC 6454 section 6.2). The Origin
// header is compared with it as a string, so that it must be written as browsers write it.
func originFault(native bool, raw string) string {
	if raw == "*" || raw == "null" {
		return "names no origin: write scheme://host, or scheme://host:port"
	}
	u, message := parseURI(raw)
	if message != "" {
		return message
	}
	if u.Scheme == "https" || u.Scheme == "http" || u.Host != "" {
		if message := authorityFault(u, raw); message != "" {
			return message
		}
	}
	switch {
	case u.Host == "" || raw != u.Scheme+"://"+u.Host:
		return "is more than an origin: write scheme://host, or scheme://host:port, without a slash at the end"
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return "names the default port: remove it, as browsers do"
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		return "is not encrypted: write https; http is for localhost and loopback addresses"
	case u.Scheme != "http" && u.Scheme != "https" && !native:
		return "has a custom scheme, which only native apps can use: write https, or set " +
			"application_type to native"
	}
	return ""
}

// parseURI reads an absolute URI, or returns what is wrong with it. It refuses every character that two
// programs could read differently.
func parseURI(raw string) (*url.URL, string) {
	switch {
	case len(raw) > MaxURI:
		return nil, "is too long: write at most " + strconv.Itoa(MaxURI) + " characters"
	case strings.Contains(raw, `\`):
		return nil, "has a backslash, which browsers read as a slash: write /"
	case strings.Contains(raw, "*"):
		return nil, "has a wildcard: addresses are compared exactly, so list each of them"
	case strings.Contains(raw, "#"):
		return nil, "has a fragment: remove # and what follows"
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f }) ||
		strings.ContainsAny(raw, "\"<>^`{|}"):
		return nil, "has a character that no URI may have: write it percent-encoded, and names of hosts in punycode (xn--…)"
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, "is not a URI: write it as scheme://host/path"
	}
	if u.Scheme == "" {
		return nil, "is not absolute: write it with its scheme, such as https://app.example.com/callback"
	}
	if !strings.HasPrefix(raw, u.Scheme+":") {
		return nil, "has capital letters in its scheme: write " + u.Scheme
	}
	return u, ""
}

// hostForm matches the names of hosts that a URI may have: lower-case labels, underscores included.
var hostForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// authorityFault returns what is wrong with the host and port of raw, which was parsed as u, or "".
func authorityFault(u *url.URL, raw string) string {
	if u.User != nil {
		return "has a username: remove what comes before @"
	}
	host := u.Hostname()
	if host == "" {
		return "has no host: write scheme://host/path"
	}
	if strings.ToLower(u.Host) != u.Host {
		return "has capital letters in its host: write " + strings.ToLower(u.Host)
	}
	// The host is written in another way than it is read, such as with a percent-encoded dot.
	if !strings.HasPrefix(raw, u.Scheme+"://"+u.Host) {
		return "has a host that is not written plainly: write it without percent-encoding"
	}
	if strings.HasPrefix(u.Host, "[") {
		ip, err := netip.ParseAddr(host)
		if err != nil || ip.Zone() != "" || ip.String() != host {
			return "has an IPv6 address that is not in its short form: write, for example, [::1]"
		}
	} else if !hostForm.MatchString(host) {
		return "has no valid host: write a name such as app.example.com"
	}
	port := u.Port()
	n, err := strconv.Atoi(port)
	if strings.HasSuffix(u.Host, ":") || port != "" && (err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port) {
		return "has no valid port: write a number from 1 to 65535, or no colon"
	}
	return ""
}

// loopbackHost reports whether the host is the user's own machine: localhost or a name below it (RFC 6761
// section 6.3), or a loopback address.
func loopbackHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
