package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// pruneEvery is how often a server deletes what is kept no longer. Days are what counts.
const pruneEvery = time.Hour

// retention is how long the settings keep what happened.
func (c *Config) retention() (storage.Retention, error) {
	keep := storage.Retention{
		Events: time.Duration(c.KeepEvents), EventsOf: map[string]time.Duration{}, Addresses: time.Duration(c.KeepAddresses),
		Removed: time.Duration(c.KeepRemoved), Revoked: time.Duration(c.KeepRevoked), Exported: c.KeepUnexported,
	}
	for _, text := range c.KeepEventsOf {
		kind, life, ok := strings.Cut(text, "=")
		var d storage.Duration
		if err := d.UnmarshalText([]byte(life)); !ok || err != nil || kind == "" || strings.ContainsAny(kind, " %") {
			return keep, fmt.Errorf("%q: write KIND=DURATION, such as login.failed=2160h", text)
		}
		keep.EventsOf[kind] = time.Duration(d)
	}
	return keep, nil
}

// prune deletes what is kept no longer, by the clock that sweeping goes by.
func (s *server) prune(ctx context.Context) {
	start := time.Now()
	clock := sweepClock{begun: start.Round(0)}
	s.every(ctx, pruneEvery, "prune", func(ctx context.Context) error {
		now := time.Now()
		keep, err := s.cfg.retention()
		if err != nil {
			return err
		}
		n, err := s.store.Prune(ctx, keep, clock.time(now.Round(0), now.Sub(start)))
		if n > 0 {
			s.log.InfoContext(ctx, "deleted or shortened what is kept no longer", "rows", n)
		}
		return err
	})
}
