// Package memory keeps in this process what may be lost: for a server of one replica,
// and in place of a Redis that does not answer.
//
// Its memory is bounded, and nothing is removed before its end to make room: a new value for
// which there is no room is refused, and a new counter is shared with others (see counters).
package memory

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

const (
	shards = 64
	// DefaultMaxBytes bounds a store made by New.
	DefaultMaxBytes = 64 << 20
	// overhead is what an entry takes beside its key and value, about.
	overhead = 160
)

// Store implements ephemeral.Store.
type Store struct {
	// MaxBytes bounds what values may take together, and half of it what counters may in each
	// of their two rooms; DefaultMaxBytes when zero. Set it before the first use.
	MaxBytes int64

	start    time.Time // of the clock for counters
	used     atomic.Int64
	seed     maphash.Seed
	shards   [shards]shard
	counters counters
}

var _ ephemeral.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store { return &Store{start: time.Now(), seed: maphash.MakeSeed()} }

// shard holds a part of the entries behind a lock of its own, so that requests seldom wait for each other.
type shard struct {
	mu      sync.Mutex
	entries map[string]*entry
	expiry  expiry
}

// entry is a value.
type entry struct {
	key     string
	value   []byte
	expires time.Time
	index   int // in expiry
}

// size returns how many bytes the entry takes, about.
func (e *entry) size() int64 { return int64(len(e.key)+len(e.value)) + overhead }

// Put implements ephemeral.Store.
func (s *Store) Put(_ context.Context, key string, val []byte, ttl time.Duration) error {
	sh := s.lock(key)
	defer sh.mu.Unlock()
	if _, ok := sh.entries[key]; ok {
		return fmt.Errorf("put: %w", storage.ErrExists)
	}
	return s.add(sh, &entry{key: key, value: bytes.Clone(val), expires: time.Now().Add(ttl)})
}

// Get implements ephemeral.Store.
func (s *Store) Get(_ context.Context, key string) ([]byte, error) {
	sh := s.lock(key)
	defer sh.mu.Unlock()
	e, ok := sh.entries[key]
	if !ok {
		return nil, fmt.Errorf("get: %w", storage.ErrNotFound)
	}
	return bytes.Clone(e.value), nil
}

// Take implements ephemeral.Store.
func (s *Store) Take(_ context.Context, key string) ([]byte, error) {
	sh := s.lock(key)
	defer sh.mu.Unlock()
	e, ok := sh.entries[key]
	if !ok {
		return nil, fmt.Errorf("take: %w", storage.ErrNotFound)
	}
	s.drop(sh, e)
	return e.value, nil
}

// Ping implements ephemeral.Store.
func (s *Store) Ping(context.Context) error { return nil }

// lock locks the key's shard and clears it of what has expired.
func (s *Store) lock(key string) *shard {
	sh := &s.shards[maphash.String(s.seed, key)%shards]
	sh.mu.Lock()
	s.expire(sh)
	return sh
}

// expire removes what has expired in a locked shard.
func (s *Store) expire(sh *shard) {
	now := time.Now()
	for len(sh.expiry) > 0 && !sh.expiry[0].expires.After(now) {
		s.drop(sh, sh.expiry[0])
	}
}

// drop removes an entry of a locked shard.
func (s *Store) drop(sh *shard, e *entry) {
	heap.Remove(&sh.expiry, e.index)
	delete(sh.entries, e.key)
	s.used.Add(-e.size())
}

// add stores an entry in its locked shard, if there is room.
func (s *Store) add(sh *shard, e *entry) error {
	limit := s.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	if s.used.Add(e.size()) > limit {
		s.makeRoom()
		if s.used.Load() > limit {
			s.used.Add(-e.size())
			return fmt.Errorf("%w: memory is full", storage.ErrUnavailable)
		}
	}
	if sh.entries == nil {
		sh.entries = make(map[string]*entry)
	}
	sh.entries[e.key] = e
	heap.Push(&sh.expiry, e)
	return nil
}

// makeRoom clears other shards of what has expired there unnoticed. Those in use clear
// themselves; waiting for them while holding one could deadlock.
func (s *Store) makeRoom() {
	for i := range s.shards {
		if sh := &s.shards[i]; sh.mu.TryLock() {
			s.expire(sh)
			sh.mu.Unlock()
		}
	}
}

// expiry is a heap of a shard's entries, the next to expire on top.
type expiry []*entry

func (x expiry) Len() int           { return len(x) }
func (x expiry) Less(i, j int) bool { return x[i].expires.Before(x[j].expires) }
func (x expiry) Swap(i, j int) {
	x[i], x[j] = x[j], x[i]
	x[i].index, x[j].index = i, j
}

// Push implements heap.Interface.
func (x *expiry) Push(v any) {
	e := v.(*entry)
	e.index = len(*x)
	*x = append(*x, e)
}

// Pop implements heap.Interface.
func (x *expiry) Pop() any {
	old := *x
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*x = old[:len(old)-1]
	return e
}
