package clientauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// keysNamed returns the keys that may have the kid.
func keysNamed(keys []jose.JSONWebKey, kid string) []jose.JSONWebKey {
	if kid == "" {
		return keys
	}
	var out []jose.JSONWebKey
	for _, k := range keys {
		if k.KeyID == kid || k.KeyID == "" {
			out = append(out, k)
		}
	}
	return out
}

const (
	// keysFresh is how long a document is used without fetching it anew.
	keysFresh = 5 * time.Minute
	// keysStale is how long a document is used while it cannot be fetched anew.
	keysStale = time.Hour
	// keysPause is how long no fetch is made after a failure, or for a kid that the document does
	// not have: an attacker can make up kids.
	keysPause = 10 * time.Second
	// maxRemoteSets bounds how many documents are kept. Beyond it, old ones are dropped.
	maxRemoteSets = 10_000
)

// remoteKeys caches the JWK sets that clients publish, in the memory of this process. The zero
// value is ready for use.
type remoteKeys struct {
	flight singleflight.Group
	mu     sync.Mutex
	sets   map[string]remoteSet
}

// remoteSet is one document, and the result of its last fetch.
type remoteSet struct {
	keys   []jose.JSONWebKey
	read   time.Time // when keys were read; zero if they never were
	err    error     // the error of the last fetch, or nil
	asked  time.Time // when the last fetch began
	forKid time.Time // when the last fetch for an unknown kid began
}

// get returns the keys of the document at uri. It fetches the document if it is old or does not
// have the kid. name identifies the document among those of all tenants.
func (r *remoteKeys) get(ctx context.Context, from Fetcher, name, uri, kid string) ([]jose.JSONWebKey, error) {
	set, ask := r.look(name, kid)
	if ask {
		// All callers that wait share the fetch, so that it must not end when the first of them
		// goes away. No caller waits beyond its own deadline.
		done := r.flight.DoChan(name, func() (any, error) {
			return r.fetch(context.WithoutCancel(ctx), from, name, uri, kid), nil
		})
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case res := <-done:
			set = res.Val.(remoteSet)
		}
	}
	if set.err != nil {
		why := set.err.Error()
		if cause := errors.Unwrap(set.err); cause != nil {
			why += ": " + cause.Error() // only the log gets the cause
		}
		web.Note(ctx, "jwks_uri", why)
	}
	if set.err == nil || !set.read.IsZero() && time.Since(set.read) < keysStale {
		return set.keys, nil
	}
	return nil, set.err
}

// look returns the cached document, and whether to fetch it anew.
func (r *remoteKeys) look(name, kid string) (set remoteSet, ask bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set, known := r.sets[name]
	switch now := time.Now(); {
	case !known:
		return set, true
	case set.err != nil && now.Sub(set.asked) < keysPause:
		return set, false
	case set.err != nil, now.Sub(set.read) >= keysFresh:
		return set, true
	default:
		return set, len(keysNamed(set.keys, kid)) == 0 && now.Sub(set.forKid) >= keysPause
	}
}

// fetch fetches the document and caches the result.
func (r *remoteKeys) fetch(ctx context.Context, from Fetcher, name, uri, kid string) remoteSet {
	set, ask := r.look(name, kid)
	if !ask { // another fetch has ended meanwhile
		return set
	}
	set.asked = time.Now()
	if set.err == nil && set.asked.Sub(set.read) < keysFresh {
		set.forKid = set.asked
	}
	raw, err := from.Fetch(ctx, uri)
	var keys []jose.JSONWebKey
	if err == nil {
		keys, _, err = clients.ParseJWKS(raw)
	}
	if set.err = err; err == nil {
		set.keys, set.read = keys, set.asked
	}
	r.put(name, set)
	return set
}

// put caches a document, and first drops others if there are too many.
func (r *remoteKeys) put(name string, set remoteSet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sets == nil {
		r.sets = map[string]remoteSet{}
	}
	if _, known := r.sets[name]; !known && len(r.sets) >= maxRemoteSets {
		for old, s := range r.sets {
			if time.Since(s.asked) >= keysFresh {
				delete(r.sets, old)
			}
		}
		for old := range r.sets { // all are young: drop any
			if len(r.sets) < maxRemoteSets {
				break
			}
			delete(r.sets, old)
		}
	}
	r.sets[name] = set
}
