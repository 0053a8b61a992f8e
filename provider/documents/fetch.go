package documents

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Bounds of a fetch.
const (
	maxDocument = 64 << 10 // bytes; published ones have less than two thousand
	maxFetches  = 16       // at once: each keeps a browser waiting
	fetchTime   = 5 * time.Second
)

// How long a document is used without being read again. Without a header that says so, an hour.
const (
	shortest = 5 * time.Minute
	usual    = time.Hour
	longest  = 24 * time.Hour
)

// Fetcher reads documents. Make one with NewFetcher.
type Fetcher struct {
	client *http.Client
	slots  chan struct{}
}

// NewFetcher returns a Fetcher that reaches what c permits.
func NewFetcher(c outbound.Config) *Fetcher {
	c.Timeout, c.MaxBody = fetchTime, maxDocument
	return &Fetcher{client: outbound.Client(c), slots: make(chan struct{}, maxFetches)}
}

// CheckSector reads the list at the client's sector_identifier_uri, if it has one. Its error is a clients.Fault if that
// lacks a redirect URI of the client.
func (f *Fetcher) CheckSector(ctx context.Context, c *storage.Client) error {
	if c.SectorIdentifierURI == "" {
		return nil
	}
	list, _, err := f.fetch(ctx, c.SectorIdentifierURI)
	if err != nil {
		return fmt.Errorf("sector_identifier_uri: %w", err)
	}
	return clients.CheckSector(c, list)
}

// fetch returns the document at a URL, and for how long it may be used.
func (f *Fetcher) fetch(ctx context.Context, url string) (text []byte, fresh time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "vouchsafe")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	// Hosts of files that every user may upload serve these as text.
	if typ, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil ||
		typ != "application/json" && (!strings.HasPrefix(typ, "application/") || !strings.HasSuffix(typ, "+json")) {
		return nil, 0, fmt.Errorf("Content-Type %q", resp.Header.Get("Content-Type"))
	}
	text, err = io.ReadAll(resp.Body)
	return text, freshness(resp.Header.Get("Cache-Control")), err
}

// freshness returns for how long an answer with this Cache-Control is used (RFC 9111 section 5.2.2), within bounds: a
// host that forbids caching is not asked for each request of a browser.
func freshness(control string) time.Duration {
	fresh := usual
	for directive := range strings.SplitSeq(strings.ToLower(control), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return shortest
		case "max-age":
			if n, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32); err == nil {
				fresh = time.Duration(n) * time.Second
			}
		}
	}
	return min(max(fresh, shortest), longest)
}
