// Package outbound makes HTTP clients for addresses that an outsider chose: the jwks_uri of a
// client, an upstream provider, a webhook.
//
// The peer is not trusted. A client reaches only https and public addresses, uses no proxy, follows
// no redirect, does not retry, and bounds time and size of an answer. An attacker who names an
// address must not be able to read, or even detect, a service on the networks behind this server.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Config says what a client may reach and how much an answer may cost.
type Config struct {
	// AllowPrivate lets the client reach private and loopback addresses, and loopback addresses by
	// http as well. It is for development, and for networks in which the peers are private.
	AllowPrivate bool
	// RootCAs are the trusted certificate authorities. The default are those of the system.
	RootCAs *x509.CertPool
	// Timeout bounds a call, from the DNS look-up to the last byte. The default is 5 s.
	Timeout time.Duration
	// MaxBody bounds the body of an answer, in bytes. The default is 1 MiB. Reading more is an
	// error.
	MaxBody int64
	// KeepAlive keeps connections open for further calls. It is for peers that are called often.
	KeepAlive bool
	// Resolver looks up names. The default is that of the system.
	Resolver *net.Resolver
}

// Client returns the HTTP client for c.
func Client(c Config) *http.Client {
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.MaxBody == 0 {
		c.MaxBody = 1 << 20
	}
	// The address is checked when it is dialled, because a second look-up of the name may give
	// another address.
	dialer := &net.Dialer{Timeout: c.Timeout, Control: c.control, Resolver: c.Resolver}
	return &http.Client{
		Timeout: c.Timeout,
		Transport: &transport{c, &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    c.Timeout,
			DisableKeepAlives:      !c.KeepAlive,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    4,
			DisableCompression:     true, // a small packed answer could unpack to a gigabyte
			MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var (
	// ErrNotPublic says that a name leads to an address that is not public.
	ErrNotPublic = errors.New("not a public address")
	// ErrNotHTTPS says that an address is not one of https.
	ErrNotHTTPS = errors.New("not an https address")
)

// Permits returns an error if the client would refuse the address before dialling it. What the name
// resolves to is checked when it is dialled.
func (c Config) Permits(u *url.URL) error {
	clear := c.AllowPrivate && u.Scheme == "http" && loopbackHost(u.Hostname())
	if u.Scheme != "https" && !clear || u.User != nil || u.Host == "" {
		return ErrNotHTTPS
	}
	return nil
}

// control refuses addresses that are not public. net.Dialer calls it with the address that it is
// about to dial.
func (c Config) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !c.AllowPrivate && !Public(to.Addr()) {
		return fmt.Errorf("%s is %w", to.Addr(), ErrNotPublic)
	}
	return nil
}

// transport applies a Config to the requests that it hands to next.
type transport struct {
	Config
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.Permits(r.URL); err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = &bounded{resp.Body, t.MaxBody}
	}
	return resp, err
}

// bounded is a body that fails beyond its bound. A plain end would pass off a part of the answer as
// the whole.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errors.New("the answer is too large")
	}
	return n, err
}

// loopbackHost reports whether the host is this machine: localhost or a name below it (RFC 6761
// section 6.3), or a loopback address.
func loopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
