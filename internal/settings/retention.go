package settings

import (
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Retention returns how long the settings keep events and revoked grants.
func (c *Config) Retention() (storage.Retention, error) {
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

// checkRetention reports what is wrong with the settings of how long data is kept.
func (c *Config) checkRetention(wrong wrong) {
	if _, err := c.Retention(); err != nil {
		wrong("keep_events_of", "%v", err)
	}
	if c.KeepRevoked < storage.Duration(15*time.Minute) {
		wrong("keep_revoked", "is shorter than 15m: a revoked grant is what tells that its code was used. Write 15m or more")
	}
}
