package clientauth

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
)

// Fetcher reads a document that a client's metadata names. Its error has the same text for every
// failure: a client that names an address must not learn from it what this server can reach. The
// wrapped cause is for the log.
type Fetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// FetchConfig says what a Fetcher may reach.
type FetchConfig struct {
	// AllowPrivate lets it reach private and loopback addresses, and loopback addresses by http as
	// well. It is for development, and for networks in which the clients are private.
	AllowPrivate bool
	// RootCAs are the trusted certificate authorities. The default are those of the system.
	RootCAs *x509.CertPool
	// Timeout bounds a fetch, from the DNS look-up to the last byte. The default is 5 s.
	Timeout time.Duration

	resolver *net.Resolver // for tests
}

const (
	// maxDocument bounds the size of a document, in bytes.
	maxDocument = 1 << 20
	// maxFetches bounds how many fetches run at once, because each keeps a request waiting.
	maxFetches = 32
)

// NewFetcher returns a Fetcher for addresses that outsiders chose; see package outbound.
func NewFetcher(c FetchConfig) Fetcher {
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	return &fetcher{
		timeout: c.Timeout,
		client: outbound.Client(outbound.Config{
			AllowPrivate: c.AllowPrivate, RootCAs: c.RootCAs, Timeout: c.Timeout, MaxBody: maxDocument, Resolver: c.resolver,
		}),
		slots: make(chan struct{}, maxFetches),
	}
}

// fetcher implements Fetcher.
type fetcher struct {
	timeout time.Duration
	client  *http.Client
	slots   chan struct{}
}

// fetchError is the error for every document that could not be read.
type fetchError struct{ cause error }

// Error implements error. It says no more on purpose.
func (e *fetchError) Error() string { return "the document could not be read" }

// Unwrap returns the cause.
func (e *fetchError) Unwrap() error { return e.cause }

// Fetch implements Fetcher.
func (f *fetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	body, err := f.fetch(ctx, address)
	if err != nil {
		return nil, &fetchError{err}
	}
	return body, nil
}

// fetch reads the document once one of the slots is free.
func (f *fetcher) fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
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
	return io.ReadAll(resp.Body)
}
