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

	resolver *net.Resolver // for tests
}

const (
	// maxDocument bounds what is read.
	maxDocument = 1 << 20
	// maxFetches bounds the fetches at one time: each keeps a request waiting.
	maxFetches = 32
)

// NewFetcher makes a Fetcher that answers to addresses somebody else chose.
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

type fetcher struct {
	timeout time.Duration
	client  *http.Client
	slots   chan struct{}
}

// fetchError is the one thing that is said of a document that could not be read.
type fetchError struct{ cause error }

func (e *fetchError) Error() string { return "the document could not be read" }
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
