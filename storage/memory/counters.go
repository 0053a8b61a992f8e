package memory

import (
	"container/heap"
	"context"
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

const (
	// sharedCounters is how many counters newcomers share, of each kind, once a room is full.
	sharedCounters = 1 << 15
	// counterOverhead is what a counter takes beside its key, about.
	counterOverhead = 176
)

// counters counts attempts. They are in two rooms: one for known browsers, which
// strangers cannot fill, and one for all others.
//
// A counter is never removed before its end: an attacker could otherwise get rid of counters of the
// attacker's own attempts. When a room is full, new subjects share a fixed number of counters
// instead. By chance a few users share one with an attacker and have to wait; the others do not
// notice, and the attacker gets no further attempt.
type counters struct {
	mu    sync.Mutex
	seed  maphash.Seed
	most  int64 // bytes in each room
	rooms [2]room
}

// room is counters within a bound.
type room struct {
	entries map[string]*counter
	shared  map[string]*counter
	expiry  counterExpiry
	used    int64
}

// counter is one counter. Times are those of Store.now.
type counter struct {
	key    string
	n      int64
	window int64 // its end
	times  int64 // that it was used up, until forget
	forget int64
	shut   int64 // until when no attempt is admitted, beyond window
	index  int   // in expiry; -1 for one that is shared
}

// expires returns when nothing of the counter matters any more.
func (c *counter) expires() int64 { return max(c.window, c.shut, c.forget) }

// size returns how many bytes the counter takes in its room, about.
func (c *counter) size() int64 { return int64(len(c.key)) + counterOverhead }

// settle drops what is over at now.
func (c *counter) settle(now int64) {
	if c.window <= now {
		c.n, c.window = 0, 0
	}
	if c.forget <= now {
		c.times, c.forget = 0, 0
	}
}

// Admit implements ephemeral.Store. It cannot fail: what has no room is counted coarsely.
func (s *Store) Admit(_ context.Context, by []ephemeral.Counter) (ephemeral.Admission, error) {
	all, now := s.lockCounters(), s.now()
	defer all.mu.Unlock()
	over := make([]bool, len(by))
	for i := range by {
		c := all.find(&by[i], now)
		wait, used := c.usedUp(&by[i], now)
		if used && !by[i].Quiet {
			return ephemeral.Admission{By: i, Wait: wait}, nil
		}
		over[i] = used
		all.room(&by[i]).moved(c)
	}
	counts := make([]int64, len(by))
	for i := range by {
		counts[i] = all.count(&by[i], over[i], now)
	}
	return ephemeral.Admission{By: -1, Counts: counts, Over: over}, nil
}

// usedUp reports whether the counter (nil for one at zero) refuses attempts, and for how
// long at most. The first attempt that it refuses makes the wait longer.
func (c *counter) usedUp(rule *ephemeral.Counter, now int64) (time.Duration, bool) {
	switch {
	case c == nil:
		return 0, false
	case rule.Grows() && c.shut > now:
		return time.Duration(c.shut - now), true
	case c.n < rule.Max:
		return 0, false
	case c.n > rule.Max || !rule.Grows():
		return rule.Window, true
	}
	c.n++ // refused before
	c.times++
	if c.times == 1 {
		c.forget = now + int64(ephemeral.UsedUpFor)
	}
	wait := rule.WaitAfter(c.times)
	if wait > rule.Window {
		c.shut = now + int64(wait)
	}
	return wait, true
}

// count adds one, unless the counter is only looked at or was used up, and gives its value.
func (all *counters) count(rule *ephemeral.Counter, over bool, now int64) int64 {
	c := all.find(rule, now)
	if rule.Look || over {
		if c == nil {
			return 0
		}
		return c.n
	}
	if c == nil {
		c = all.add(rule)
	}
	c.n++
	if c.window == 0 {
		c.window = now + int64(rule.Window)
		all.room(rule).moved(c)
	}
	return c.n
}

// Release implements ephemeral.Store.
func (s *Store) Release(_ context.Context, r ephemeral.Release) error {
	all, now := s.lockCounters(), s.now()
	defer all.mu.Unlock()
	if r.Within.Key != "" && all.count(&r.Within, false, now) > r.Within.Max {
		return nil
	}
	for i := range r.Back {
		if c := all.find(&r.Back[i], now); c != nil && c.n > 0 {
			c.n = min(c.n, r.Back[i].Max) - 1
		}
	}
	for i := range r.Forget {
		switch c := all.find(&r.Forget[i], now); {
		case c == nil:
		case c.index >= 0:
			all.room(&r.Forget[i]).drop(c)
		case c.n > 0: // the others' attempts stay
			c.n--
		}
	}
	return nil
}

// now returns how long the store has been there, in nanoseconds. Setting the machine's clock does
// not change it: otherwise a wait would last longer by what the clock was ahead.
func (s *Store) now() int64 { return int64(time.Since(s.start)) }

// lockCounters returns the counters, locked.
func (s *Store) lockCounters() *counters {
	all := &s.counters
	all.mu.Lock()
	all.seed, all.most = s.seed, s.MaxBytes/2
	if s.MaxBytes == 0 {
		all.most = DefaultMaxBytes / 2
	}
	return all
}

// room returns the room of a counter: that of known browsers if it is reserved.
func (all *counters) room(rule *ephemeral.Counter) *room {
	if rule.Reserved {
		return &all.rooms[1]
	}
	return &all.rooms[0]
}

// find returns the counter as it stands now, or nil.
func (all *counters) find(rule *ephemeral.Counter, now int64) *counter {
	r := all.room(rule)
	r.expire(now)
	c := r.entries[rule.Key]
	if c == nil && len(r.shared) > 0 && all.full(r, rule.Key) {
		c = r.shared[all.sharedKey(rule)]
	}
	if c != nil {
		c.settle(now)
	}
	return c
}

// add makes a counter that is not there: one of its own, or in a full room the one that it
// shares.
func (all *counters) add(rule *ephemeral.Counter) *counter {
	r := all.room(rule)
	c := &counter{key: rule.Key, index: -1}
	if all.full(r, rule.Key) {
		if r.shared == nil {
			r.shared = make(map[string]*counter)
		}
		c.key = all.sharedKey(rule)
		r.shared[c.key] = c
		return c
	}
	if r.entries == nil {
		r.entries = make(map[string]*counter)
	}
	r.entries[c.key] = c
	r.used += c.size()
	heap.Push(&r.expiry, c)
	return c
}

// full reports whether the room has no place for one more counter with the key.
func (all *counters) full(r *room, key string) bool {
	return r.used+int64(len(key))+counterOverhead > all.most
}

// sharedKey returns that of the counter which newcomers share with some others of the same rule.
// An attacker cannot know which those are.
func (all *counters) sharedKey(rule *ephemeral.Counter) string {
	n := maphash.String(all.seed, rule.Key) % sharedCounters
	return strconv.FormatInt(rule.Max, 36) + " " + strconv.FormatInt(int64(rule.Window),
		36) + " " + strconv.FormatUint(n, 36)
}

// moved puts a counter whose end has changed in its place.
func (r *room) moved(c *counter) {
	if c != nil && c.index >= 0 {
		heap.Fix(&r.expiry, c.index)
	}
}

// expire removes the counters whose end has come.
func (r *room) expire(now int64) {
	for len(r.expiry) > 0 && r.expiry[0].expires() <= now {
		r.drop(r.expiry[0])
	}
}

// drop removes a counter that is in the room.
func (r *room) drop(c *counter) {
	heap.Remove(&r.expiry, c.index)
	delete(r.entries, c.key)
	r.used -= c.size()
}

// counterExpiry is a heap of a room's counters, the next to expire on top.
type counterExpiry []*counter

func (x counterExpiry) Len() int           { return len(x) }
func (x counterExpiry) Less(i, j int) bool { return x[i].expires() < x[j].expires() }
func (x counterExpiry) Swap(i, j int) {
	x[i], x[j] = x[j], x[i]
	x[i].index, x[j].index = i, j
}

// Push implements heap.Interface.
func (x *counterExpiry) Push(v any) {
	c := v.(*counter)
	c.index = len(*x)
	*x = append(*x, c)
}

// Pop implements heap.Interface.
func (x *counterExpiry) Pop() any {
	old := *x
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*x = old[:len(old)-1]
	return c
}
