package replicas

import (
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// bound is what the documentation promises: a replica may not know of a change for that long.
const bound = time.Second

// TestWhatIsTakenBackIsRefusedEverywhereWithinASecond: what one replica or a command revokes, all
// replicas refuse within a second, although each was asked for it all the time.
func TestWhatIsTakenBackIsRefusedEverywhereWithinASecond(t *testing.T) {
	t.Parallel()
	env := map[string]string{"VOUCHSAFE_STOP_DELAY": "0s", "VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8"}
	site, replicas := vouchsafetest.StartBehindProxy(t, 3, vouchsafetest.Options{Env: env})
	sign := func(c vouchsafetest.Client) *vouchsafetest.Reply {
		r := vouchsafetest.NewRequest(c)
		return site.API(t).Redeem(t, r, site.Browser(t, site.Jo(t)).Code(t, r)).Want(t, 200, "")
	}
	for range vouchsafetest.Rounds(2) {
		grant, c := sign(web), site.AddClient(t)
		tokens := sign(c)
		goes(t, replicas, "a grant", func(api *vouchsafetest.API) bool {
			return api.Userinfo(t, grant.Access()).Status == 200
		}, func() {
			replicas[0].API(t).As(t, web, "/revoke", vouchsafetest.Values("token", grant.Refresh())).Want(t, 200, "")
		})
		goes(t, replicas, "a client", func(api *vouchsafetest.API) bool {
			// Its secret is right, and only the code is wrong.
			return api.As(t, c, "/token",
				vouchsafetest.Values("grant_type", "authorization_code", "code", "x", "redirect_uri",
					c.RedirectURI())).Error() == "invalid_grant"
		}, func() { site.Command(t, "", "client", "remove", c.ID(), "--yes") })
		if got := site.API(t).Userinfo(t, tokens.Access()).Status; got != 401 {
			t.Errorf("a token of a client that was removed: got %d, want 401", got)
		}
		signed := sign(web)
		kid := vouchsafetest.KeyID(t, signed.Access())
		goes(t, replicas, "a key", func(api *vouchsafetest.API) bool {
			return api.Userinfo(t, signed.Access()).Status == 200
		}, func() { site.Command(t, "", "key", "remove", "--yes", "--", kid) })
		for _, r := range replicas {
			for _, k := range r.API(t).Keys(t).Keys {
				if k.KeyID == kid {
					t.Error("a key that was removed is still published")
				}
			}
		}
	}
}

// goes fails the test unless every replica accepts until the change, and none later than the bound
// after it.
func goes(t *testing.T, replicas []*vouchsafetest.Server, what string,
	accepted func(*vouchsafetest.API) bool, change func(),
) {
	t.Helper()
	var mu sync.Mutex
	var changed time.Time
	since := func() (time.Duration, bool) {
		mu.Lock()
		defer mu.Unlock()
		return time.Since(changed), !changed.IsZero()
	}
	var wg, ready sync.WaitGroup
	ready.Add(len(replicas))
	stale := make([]time.Duration, len(replicas))
	for i, r := range replicas {
		wg.Go(func() {
			// The caches of the replicas have different ages.
			time.Sleep(time.Duration(i) * 300 * time.Millisecond)
			api, once := r.API(t), sync.OnceFunc(ready.Done)
			defer once()
			for n := 0; ; n++ {
				age, after := since() // when the question was asked
				ok := accepted(api)
				switch {
				case !after && !ok:
					if _, now := since(); !now && n < 3 {
						t.Errorf("%s: refused before it was taken back", what)
						return
					}
				case after && ok:
					stale[i] = age
				case after && age > bound+500*time.Millisecond:
					return
				}
				if after && age > 20*time.Second {
					return
				}
				if n == 3 {
					once()
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	ready.Wait()
	time.Sleep(300 * time.Millisecond) // in the middle of what is kept
	change()
	mu.Lock()
	changed = time.Now()
	mu.Unlock()
	wg.Wait()
	t.Logf("%s: last accepted %v after it was taken back", what, stale)
	for i, age := range stale {
		if age > bound {
			t.Errorf("%s: replica %d accepted it %v after it was taken back, want at most %v", what, i, age, bound)
		}
	}
}
