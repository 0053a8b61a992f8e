// Package cache keeps what is read on every request and changed by the hour:
// clients, keys, tenants. Its one promise is the bound on staleness: a value is
// never served later than TTL after it was read, but by Last.
package cache

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// TTL is the bound that Vouchsafe keeps everywhere: what was revoked is refused by
// every replica within it.
const TTL = time.Second

// limit bounds the entries of one cache; beyond it, old ones go.
const limit = 10_000

// Cache keeps values by key. Load and Name are required before first use.
type Cache[K comparable, V any] struct {
	// Load reads the value where it lives. Its errors are not kept.
	Load func(ctx context.Context, key K) (V, error)
	// Name spells the key, so that of many callers at once one loads.
	Name func(K) string
	// Keeps says that an error of Load tells nothing about the value: what was read before is
	// kept for Last. Nil keeps nothing.
	Keeps func(error) bool

	mu      sync.RWMutex
	entries map[K]entry[V]
	flight  singleflight.Group
}

type entry[V any] struct {
	value V
	read  time.Time
}

// Get is the value, read at most TTL ago.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (V, error) {
	c.mu.RLock()
	e, ok := c.entries[key]
	c.mu.RUnlock()
	if ok && time.Since(e.read) < TTL {
		return e.value, nil
	}
	return c.Fresh(ctx, key)
}

// Fresh reads the value anew: for the rare caller who has reason to think that the
// kept one is out of date.
func (c *Cache[K, V]) Fresh(ctx context.Context, key K) (V, error) {
	// The load serves all who wait for it, so that the first one's going away must
	// not end it.
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

// Last is what was read last, however long ago: for what may be told while the value cannot
// be read. It reads nothing.
func (c *Cache[K, V]) Last(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[key]
	return e.value, ok
}

// Forget drops what is kept.
func (c *Cache[K, V]) Forget(key K) {
	c.mu.Lock()
	delete(c.entries, key)
	c.mu.Unlock()
}

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
		for k := range c.entries { // all are young: any may go
			if len(c.entries) < limit {
				break
			}
			delete(c.entries, k)
		}
	}
	c.entries[key] = e
}
