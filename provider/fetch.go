package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Fetcher reads a document that a client's metadata names. Its error says the same
// whatever happened: whoever names the address must not learn from it what is reachable
// from here. The cause is what it wraps, and is for the log.
type Fetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// FetchConfig says what a Fetcher may reach.
type FetchConfig struct {
	// AllowPrivate lets it reach private and loopback addresses, the latter by http too.
	// For development, and for networks in which the clients are.
	AllowPrivate bool
	// RootCAs are believed in place of the system's. Default: the system's.
	RootCAs *x509.CertPool
	// Timeout bounds a fetch from the first look-up to the last byte. Default 5 s.
	Timeout time.Duration
}

const (
	// maxDocument bounds what is read.
	maxDocument = 1 << 20
	// maxFetches bounds the fetches at one time: each keeps a request waiting.
	maxFetches = 32
)

// NewFetcher makes a Fetcher that answers to addresses somebody else chose: https only,
// public addresses only, no proxy, no redirects, no retries, a bounded time and size.
func NewFetcher(c FetchConfig) Fetcher {
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	f := &fetcher{FetchConfig: c, slots: make(chan struct{}, maxFetches)}
	// The address is checked when it is dialled: a name that is looked up twice may
	// resolve to two addresses.
	f.dialer = &net.Dialer{Timeout: c.Timeout, Control: f.control}
	f.client = &http.Client{
		Transport: &http.Transport{
			DialContext:            f.dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    c.Timeout,
			DisableKeepAlives:      true,
			DisableCompression:     true, // what unpacks to a gigabyte stays packed
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return f
}

type fetcher struct {
	FetchConfig
	dialer *net.Dialer
	client *http.Client
	slots  chan struct{}
}

// fetchError is the one thing that is said of a document that could not be read.
type fetchError struct{ cause error }

func (e *fetchError) Error() string { return "the document could not be read" }
func (e *fetchError) Unwrap() error { return e.cause }

// Fetch implements Fetcher.
func (f *fetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	body, err := f.fetch(ctx, address)
	if err != nil {
		return nil, &fetchError{err}
	}
	return body, nil
}

func (f *fetcher) fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	clear := f.AllowPrivate && u.Scheme == "http" && loopbackHost(u.Hostname())
	if u.Scheme != "https" && !clear || u.User != nil {
		return nil, errors.New("not an https address")
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "vouchsafe")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxDocument {
		return nil, fmt.Errorf("more than %d bytes", maxDocument)
	}
	return body, nil
}

// control is called with the address that is about to be dialled.
func (f *fetcher) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !f.AllowPrivate && !publicAddress(to.Addr()) {
		return fmt.Errorf("%s is not a public address", to.Addr())
	}
	return nil
}

// publicAddress says whether an address is one of the internet's. What is reserved for
// anything else (RFC 6890 and its successors in IANA's registries) is not, nor what
// carries an IPv4 address inside that another router may unwrap (NAT64, 6to4, Teredo).
func publicAddress(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Zone() != "" || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	if ip.Is6() && !allocatedIPv6.Contains(ip) {
		return false
	}
	for _, reserved := range reservedAddresses {
		if reserved.Contains(ip) {
			return false
		}
	}
	return true
}

var (
	allocatedIPv6     = netip.MustParsePrefix("2000::/3")
	reservedAddresses = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network
		netip.MustParsePrefix("100.64.0.0/10"),   // carriers' NAT, RFC 6598
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation
		netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"), // documentation
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation
		netip.MustParsePrefix("240.0.0.0/4"),     // future use, broadcast
		netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
		netip.MustParsePrefix("2001:db8::/32"),   // documentation
		netip.MustParsePrefix("2002::/16"),       // 6to4
		netip.MustParsePrefix("3fff::/20"),       // documentation
	}
)
