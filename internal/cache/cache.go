// Package cache keeps records that are read at every request and rarely change: clients, keys,
// tenants. It promises a bound on staleness: except by Last, a value is never served later than TTL
// after it was read.
package cache

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// TTL is the age up to which a cached record is served. Every replica therefore refuses within TTL
// what was revoked.
const TTL = time.Second

// limit bounds the entries of one cache. Beyond it, old entries are dropped.
const limit = 10_000

// Cache keeps values by key. Set Load and Name before the first use. A Cache may be used by several
// goroutines at once.
type Cache[K comparable, V any] struct {
	// Load reads the value from storage. Its errors are not cached.
	Load func(ctx context.Context, key K) (V, error)
	// Name returns a string that is unique to the key. Of many callers that want the same key at
	// once, one loads it.
	Name func(K) string
	// Keeps reports whether an error of Load says nothing about the value, as when storage cannot
	// be reached. The value that was read before is then kept for Last. If Keeps is nil, no value
	// is kept.
	Keeps func(error) bool

	mu      sync.RWMutex
	entries map[K]entry[V]
	flight  singleflight.Group
}

// entry is a value and the time when its reading began.
type entry[V any] struct {
	value V
	read  time.Time
}

// Get returns the value, read at most TTL ago, or the error of Load.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (V, error) {
	c.mu.RLock()
	e, ok := c.entries[key]
	c.mu.RUnlock()
	if ok && time.Since(e.read) < TTL {
		return e.value, nil
	}
	return c.Fresh(ctx, key)
}

// Fresh reads the value anew. It is for the rare caller that has reason to think that the cached
// value is out of date.
func (c *Cache[K, V]) Fresh(ctx context.Context, key K) (V, error) {
	// The load serves every caller that waits for it, so that it must not end when the first of
	// them goes away.
	v, err, _ := c.flight.Do(c.Name(key), func() (any, error) {
		read := time.Now()
		v, err := c.Load(context.WithoutCancel(ctx), key)
		if err != nil {
			if c.Keeps == nil || !c.Keeps(err) {
				c.Forget(key)
			}
			return nil, err
		}
		c.put(key, entry[V]{v, read})
		return v, nil
	})
	if err != nil {
		var none V
		return none, err
	}
	return v.(V), nil
}

// Last returns the value that was read last, however long ago, without reading it anew. It serves
// answers that may be given while storage cannot be reached.
func (c *Cache[K, V]) Last(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[key]
	return e.value, ok
}

// Forget drops the value.
func (c *Cache[K, V]) Forget(key K) {
	c.mu.Lock()
	delete(c.entries, key)
	c.mu.Unlock()
}

// put stores the entry, and first drops others if there are limit or more.
func (c *Cache[K, V]) put(key K, e entry[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[K]entry[V])
	}
	if len(c.entries) >= limit {
		for k, old := range c.entries {
			if time.Since(old.read) >= TTL {
				delete(c.entries, k)
			}
		}
		for k := range c.entries { // all are young: drop any
			if len(c.entries) < limit {
				break
			}
			delete(c.entries, k)
		}
	}
	c.entries[key] = e
}
