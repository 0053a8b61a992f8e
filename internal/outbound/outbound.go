// Package outbound makes the HTTP clients that reach addresses somebody else chose: a
// client's jwks_uri, an upstream provider, a webhook.
//
// What answers there is not trusted: only https and only public addresses, no proxy, no
// redirects, no retries, a bounded time and size. Whoever names an address must not be
// able to read, or even find, what stands on the networks behind this server.
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

// Config says what a client may reach, and what an answer may cost.
type Config struct {
	// AllowPrivate lets it reach private and loopback addresses, the latter by http too.
	// For development, and for networks in which the peers are.
	AllowPrivate bool
	// RootCAs are believed in place of the system's. Default: the system's.
	RootCAs *x509.CertPool
	// Timeout bounds a call from the first look-up to the last byte. Default 5 s.
	Timeout time.Duration
	// MaxBody bounds an answer's body, in bytes. Default 1 MiB.
	MaxBody int64
	// KeepAlive lets connections serve again: for peers that are called often.
	KeepAlive bool
	// Resolver looks names up. Default: the system's.
	Resolver *net.Resolver
}

// Client makes the client.
func Client(c Config) *http.Client {
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.MaxBody == 0 {
		c.MaxBody = 1 << 20
	}
	// The address is checked when it is dialled: a name that is looked up twice may
	// resolve to two addresses.
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
			DisableCompression:     true, // what unpacks to a gigabyte stays packed
			MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Permits says whether the client would ask the address at all; what its name resolves to
// is seen when it is dialled.
func (c Config) Permits(u *url.URL) error {
	clear := c.AllowPrivate && u.Scheme == "http" && loopbackHost(u.Hostname())
	if u.Scheme != "https" && !clear || u.User != nil || u.Host == "" {
		return errors.New("not an https address")
	}
	return nil
}

// control is called with the address that is about to be dialled.
func (c Config) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !c.AllowPrivate && !Public(to.Addr()) {
		return fmt.Errorf("%s is not a public address", to.Addr())
	}
	return nil
}

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

// bounded is a body that fails past its bound: a part of an answer must not pass for it.
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

// loopbackHost says whether the host is this machine: localhost or a name below it (RFC
// 6761 section 6.3), or a loopback address.
func loopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
