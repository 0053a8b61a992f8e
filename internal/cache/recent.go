package cache

import "sync"

// Recent remembers values that stay right for good, as long as they are asked for. The zero value is ready for use, by
// several goroutines at once.
type Recent[K comparable, V any] struct {
	mu sync.RWMutex
	// young and old are two generations. When young is full it becomes old, and the values of the former old that were
	// not asked for meanwhile are dropped.
	young, old map[K]V
}

// Find returns a remembered value, and makes it young again. most is that of Keep.
func (r *Recent[K, V]) Find(key K, most int) (V, bool) {
	r.mu.RLock()
	v, young := r.young[key]
	if young {
		r.mu.RUnlock()
		return v, true
	}
	v, ok := r.old[key]
	r.mu.RUnlock()
	if ok {
		r.Keep(key, v, most)
	}
	return v, ok
}

// Keep remembers a value. most bounds each generation.
func (r *Recent[K, V]) Keep(key K, v V, most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= most {
		r.young, r.old = make(map[K]V), r.young
	}
	r.young[key] = v
}

// Len returns how many values are remembered.
func (r *Recent[K, V]) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.young) + len(r.old)
}
