package provider

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/storage"
)

// keysAway is a store whose keys cannot be read for a while.
type keysAway struct {
	testStore
	away atomic.Bool
}

func (k *keysAway) Keys(ctx context.Context, tenant string, since time.Time) ([]storage.Key, error) {
	if k.away.Load() {
		return nil, errDown
	}
	return k.testStore.Keys(ctx, tenant, since)
}

// APIs need the keys for tokens that they were given before, whether or not the database is
// there. A key set that was never whole is not told as if it was.
func TestTheLastKeysArePublishedWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		away := &keysAway{testStore: s.store}
		s.p.Keys.Store = away
		away.away.Store(true)
		if a := s.do(request("GET", "/jwks", "")); a.status != http.StatusServiceUnavailable {
			t.Errorf("nothing was read before: got %d %s, want 503", a.status, a.raw)
		}
		away.away.Store(false)
		before := s.do(request("GET", "/jwks", ""))
		away.away.Store(true)
		time.Sleep(cache.TTL)
		for range 2 {
			if a := s.do(request("GET", "/jwks", "")); a.status != http.StatusOK || a.raw != before.raw {
				t.Errorf("got %d %s, want what was published before", a.status, a.raw)
			}
		}
		if _, err := s.p.Keys.Signing(t.Context(), s.tenant.ID, "RS256"); err == nil {
			t.Error("a key signs that may have been removed meanwhile")
		}
	})
}
