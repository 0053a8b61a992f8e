package clientauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// clientKeys are the public keys of the client that may have the kid ("" for any): those
// that stand in its record, or in the document that it names. Keys without a kid may
// have every one.
func (a *Authenticator) clientKeys(ctx context.Context, c *storage.Client, kid string) ([]jose.JSONWebKey, error) {
	var keys []jose.JSONWebKey
	switch {
	case clients.HasJWKS(c):
		var err error
		if keys, _, err = clients.ParseJWKS(c.JWKS); err != nil {
			return nil, fmt.Errorf("jwks %w", err)
		}
	case c.JWKSURI != "":
		var err error
		if keys, err = a.remoteKeys.get(ctx, a.Fetch, c.TenantID+"\x00"+c.JWKSURI, c.JWKSURI, kid); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("the client has no keys")
	}
	return keysNamed(keys, kid), nil
}

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
	// keysFresh is how long a document is used without asking again.
	keysFresh = 5 * time.Minute
	// keysStale is how long it is still used when asking again fails.
	keysStale = time.Hour
	// keysPause is how long nobody is asked again after a failure, or for a kid that is
	// not there: anybody can make up kids.
	keysPause = 10 * time.Second
	// maxRemoteSets bounds what is kept; beyond it, old ones go.
	maxRemoteSets = 10_000
)

// remoteKeys keeps the JWK sets that clients publish, in this process: what is lost is
// fetched again. The zero value is ready.
type remoteKeys struct {
	flight singleflight.Group
	mu     sync.Mutex
	sets   map[string]remoteSet
}

// remoteSet is one document, and how it went to fetch it.
type remoteSet struct {
	keys   []jose.JSONWebKey
	read   time.Time // when keys were read; zero when they never were
	err    error     // of the last fetch, or nil
	asked  time.Time // when the last fetch began
	forKid time.Time // when the last one began that was for a kid that was not there
}

// get is the set at uri: fetched anew when it is old, or does not have the kid. name
// tells the sets of tenants apart.
func (r *remoteKeys) get(ctx context.Context, from Fetcher, name, uri, kid string) ([]jose.JSONWebKey, error) {
	set, ask := r.look(name, kid)
	if ask {
		// The fetch serves all who wait, so that the first one's going away must not end
		// it; and nobody waits beyond their own time.
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
			why += ": " + cause.Error() // the log alone is told
		}
		web.Note(ctx, "jwks_uri", why)
	}
	if set.err == nil || !set.read.IsZero() && time.Since(set.read) < keysStale {
		return set.keys, nil
	}
	return nil, set.err
}

// look is the set that is kept, and whether to ask again.
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

func (r *remoteKeys) fetch(ctx context.Context, from Fetcher, name, uri, kid string) remoteSet {
	set, ask := r.look(name, kid)
	if !ask { // another fetch ended meanwhile
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
		for old := range r.sets { // all are young: any may go
			if len(r.sets) < maxRemoteSets {
				break
			}
			delete(r.sets, old)
		}
	}
	r.sets[name] = set
}
