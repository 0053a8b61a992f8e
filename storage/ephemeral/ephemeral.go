// Package ephemeral declares what may be lost at the price of a retry: counters of attempts, the codes of finished
// authorization requests, and the networks in which clients have authenticated. Redis keeps it for all replicas,
// or memory for one process. The errors are those of package storage.
package ephemeral

import (
	"context"
	"time"
)

// Store keeps values and counters. Keys contain the tenant; backends do not read them.
type Store interface {
	// Put stores val for ttl. It returns storage.ErrExists if the key exists.
	Put(ctx context.Context, key string, val []byte, ttl time.Duration) error
	// Get returns the value. It returns storage.ErrNotFound if there is none, or if it has expired.
	Get(ctx context.Context, key string) ([]byte, error)
	// Take returns the value and deletes it: of many callers one succeeds, the others get storage.ErrNotFound.
	Take(ctx context.Context, key string) ([]byte, error)
	// Admit counts an attempt by all of the counters, or by none: the first one that is used up refuses the
	// attempt, and a refused attempt is counted nowhere. Admit is atomic.
	Admit(ctx context.Context, counters []Counter) (Admission, error)
	// Release takes back what Admit counted, after the attempt has turned out to be right.
	Release(ctx context.Context, r Release) error
	// Ping returns an error unless the backend answers.
	Ping(ctx context.Context) error
}

// Counter is one of the things that an attempt is counted by.
type Counter struct {
	// Key names the counter. Those of one call have the same text in braces, by which a
	// Redis Cluster keeps them on one server.
	Key string
	// Max is how many attempts there may be in Window, which begins with the first of them.
	Max    int64
	Window time.Duration
	// Longest, when it is longer than Window, lets the wait grow: it doubles, up to so long,
	// with every time in a day that the counter is used up.
	Longest time.Duration
	// Quiet lets an attempt pass that is one too many: Admission.Over tells it.
	Quiet bool
	// Look asks how the counter stands, and does not count.
	Look bool
	// Reserved keeps the counter in the memory that is set aside for known browsers, where the memory
	// of counters is bounded. No other counters can fill it.
	Reserved bool
}

// Grows reports whether the wait grows each time the counter is used up.
func (c *Counter) Grows() bool { return c.Longest > c.Window }

// UsedUpFor returns for how long a backend remembers that a counter was used up.
const UsedUpFor = 24 * time.Hour

// WaitAfter returns how long the subject of a counter waits at most, after the counter was used up so often.
func (c *Counter) WaitAfter(times int64) time.Duration {
	if !c.Grows() {
		return c.Window
	}
	return min(c.Longest, c.Window<<min(max(times-1, 0), 16))
}

// Admission is the result of Admit.
type Admission struct {
	// By is the index of the counter that refused the attempt, or -1; Wait how long to wait
	// at most.
	By   int
	Wait time.Duration
	// Counts are how the counters stand now, and Over says which were used up before. Both
	// are empty for an attempt that was refused.
	Counts []int64
	Over   []bool
}

// Release is what a right attempt gives back.
type Release struct {
	// Within, unless its Key is "", counts the release itself: beyond its Max nothing else
	// is done.
	Within Counter
	// Back are counted down by one, and Forget start from nothing.
	Back   []Counter
	Forget []Counter
}
