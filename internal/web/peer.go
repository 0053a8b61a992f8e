package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// clientIP returns the address that a request is attributed to. That is the address of the peer or,
// if the peer is a trusted proxy, the last address in the proxy's header that is not a trusted
// proxy itself. An unreadable entry of the header counts as a client of its own and not as the
// proxy: otherwise one client that sends such entries would lock out all others behind the same
// proxy.
func (e *Edge) clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil { // a Unix socket: its file mode decides which processes may connect
		return e.askedFor(r, "local")
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil: // a load balancer does not know the address
		return host
	case e.trusted(ip.Unmap().WithZone("")):
		return e.askedFor(r, ip.Unmap().WithZone("").String())
	case ip.Is4(): // IPv4 has one notation only
		return host
	}
	return ip.Unmap().WithZone("").String()
}

// askedFor returns the client that a trusted proxy names, or the proxy's own address if it names
// none.
func (e *Edge) askedFor(r *http.Request, proxy string) string {
	if client := e.namedClient(r, proxy); client != "" {
		return client
	}
	e.warn(r.Context(), &e.unnamed,
		"a trusted proxy does not name the client: all its requests count as one client's. "+
			"VOUCHSAFE_CLIENT_IP_HEADER says which header names it", proxy)
	return proxy
}

// atOdds is the address of requests whose two headers name different clients. The client itself may
// have written one of the headers; if that were believed, the client could choose which address its
// requests are counted under.
const atOdds = "unknown-which"

// namedClient returns the client that the headers name, or "".
func (e *Edge) namedClient(r *http.Request, proxy string) string {
	if e.ClientIPHeader != "" {
		return e.namedIn(r, http.CanonicalHeaderKey(e.ClientIPHeader), proxy)
	}
	client := e.namedIn(r, "X-Forwarded-For", proxy)
	if len(r.Header["Forwarded"]) == 0 {
		return client
	}
	other := e.namedIn(r, "Forwarded", proxy)
	switch {
	case other == "" || other == client:
		return client
	case client == "":
		return other
	}
	e.warn(r.Context(), &e.disputed,
		"X-Forwarded-For and Forwarded name different clients, and one of them may be the client's own: all such requests "+
			"count as one. VOUCHSAFE_CLIENT_IP_HEADER says which header your proxy writes", proxy)
	return atOdds
}

// namedIn returns the client that one header names, or "".
func (e *Edge) namedIn(r *http.Request, name, proxy string) (client string) {
	for _, line := range slices.Backward(r.Header[name]) {
		for line != "" {
			var hop string
			if line, hop = cutLast(line, name == "Forwarded"); hop == "" {
				continue // RFC 9110 section 5.6.1.2: empty elements of a list are ignored
			}
			ip, ok := readHop(name, hop)
			switch {
			case !ok:
				e.warn(r.Context(), &e.unreadable,
					"a trusted proxy names a client in a way that cannot be read: all clients with that name count as one",
					proxy, "header", name)
				return "unknown-" + digest(hop)
			case ip.IsValid() && !e.trusted(ip):
				return ip.String()
			case ip.IsValid():
				client = ip.String()
			}
		}
	}
	return client
}

// cutLast splits off the last element of a list. It searches from the end, because the nearest
// proxy wrote only the last element: a quote that a client opens earlier must not swallow it.
func cutLast(list string, quoted bool) (rest, last string) {
	within := false
	for i := len(list) - 1; i >= 0; i-- {
		switch {
		case list[i] == '"' && quoted:
			within = !within
		case list[i] == ',' && !within:
			return list[:i], strings.Trim(list[i+1:], " \t")
		}
	}
	return "", strings.Trim(list, " \t")
}

// readHop returns the address in one element of the header. It returns an invalid address and true
// for "unix:", which nginx writes when a client came through a Unix socket.
func readHop(header, hop string) (ip netip.Addr, ok bool) {
	if header == "Forwarded" {
		if hop, ok = forNode(hop); !ok {
			return ip, false
		}
	}
	hop = unquoted(hop)
	if hop == "unix:" {
		return ip, true
	}
	if bare, port, err := net.SplitHostPort(hop); err == nil && portLike(port) &&
		(hop[0] == '[' || strings.Count(hop, ":") == 1) {
		hop = bare
	} else if inner, found := strings.CutPrefix(hop, "["); found {
		hop, found = strings.CutSuffix(inner, "]")
		if !found {
			return ip, false
		}
	}
	ip, err := netip.ParseAddr(hop)
	return ip.Unmap().WithZone(""), err == nil
}

// forNode returns the value of the parameter "for" in one element of Forwarded (RFC 7239 section
// 4).
func forNode(element string) (node string, ok bool) {
	for element != "" {
		var pair string
		pair, element = cutPair(element)
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(strings.Trim(name, " \t"), "for") {
			continue
		}
		if ok {
			return "", false // a parameter may occur once
		}
		node, ok = strings.Trim(value, " \t"), true
	}
	return node, ok
}

// cutPair cuts the element at the first semicolon outside of quotes.
func cutPair(element string) (pair, rest string) {
	within := false
	for i := range len(element) {
		switch {
		case element[i] == '"':
			within = !within
		case element[i] == ';' && !within:
			return element[:i], element[i+1:]
		}
	}
	return element, ""
}

// unquoted returns s without the quotes around it, if there are any.
func unquoted(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// portLike reports whether s can be a port or an obfuscated port (RFC 7239 section 6.2).
func portLike(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// digest returns a short hash that stands for an unreadable value. The value itself may have been
// written by an attacker, and the result appears on pages and in logs.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// trusted reports whether ip belongs to a trusted proxy.
func (e *Edge) trusted(ip netip.Addr) bool {
	for _, p := range e.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// seldom limits a warning to one an hour.
type seldom struct{ last atomic.Int64 }

// now reports whether the warning is due.
func (s *seldom) now() bool {
	now, last := time.Now().Unix(), s.last.Load()
	return now-last >= 3600 && s.last.CompareAndSwap(last, now)
}

// warn logs the message with the proxy's address, at most once an hour for each s.
func (e *Edge) warn(ctx context.Context, s *seldom, message, proxy string, more ...any) {
	if s.now() {
		e.Log.WarnContext(ctx, message, append([]any{slog.String("proxy", proxy)}, more...)...)
	}
}
