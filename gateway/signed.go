package gateway

import (
	"sync"
	"time"
)

// identityReuse is how long an identity token is sent again: with less of its life left an app could refuse it.
const identityReuse = 30 * time.Second

// identityTokens remembers tokens by all that they say. A signature costs more than all else that an answer needs. The
// zero value is ready for use.
type identityTokens struct {
	mu sync.RWMutex
	// young and old are two generations. When young is full it becomes old.
	young, old map[string]signed
}

// signed is a token and when it was made.
type signed struct {
	token string
	at    time.Time
}

// maxTokens bounds each generation, which takes about 5 MB.
const maxTokens = 4096

// find returns a token that was made not long ago.
func (t *identityTokens) find(key string, now time.Time) (string, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, ok := t.young[key]
	if !ok {
		s, ok = t.old[key]
	}
	age := now.Sub(s.at)
	return s.token, ok && age >= 0 && age < identityReuse
}

// keep remembers a token.
func (t *identityTokens) keep(key, token string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.young == nil || len(t.young) >= maxTokens {
		t.young, t.old = make(map[string]signed), t.young
	}
	t.young[key] = signed{token, now}
}
