// Package races uses one value by many clients at once, at one server and at two replicas with one
// database: one of them succeeds, and nothing is valid afterwards that should not be.
package races

import (
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

// clients is how many send their request at once.
const clients = 50

// places are the servers at which a value is used.
type places struct {
	name    string
	servers []*vouchsafetest.Server
}

// each runs the test on one server of each shape, and on two replicas.
func each(t *testing.T, test func(t *testing.T, p *places)) {
	vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
		t.Run("one", func(t *testing.T) { test(t, &places{"one", []*vouchsafetest.Server{s}}) })
		if s.Database != "" {
			t.Run("two replicas", func(t *testing.T) {
				test(t, &places{"two replicas", []*vouchsafetest.Server{s, s.Replica(t)}})
			})
		}
	})
}

// fire calls do for all clients at the same moment, distributed among the servers.
func (p *places) fire(t *testing.T, do func(api *vouchsafetest.API) *vouchsafetest.Reply) []*vouchsafetest.Reply {
	t.Helper()
	replies := make([]*vouchsafetest.Reply, clients)
	start := make(chan struct{})
	var ready, wg sync.WaitGroup
	ready.Add(clients)
	for i := range clients {
		api := p.servers[i%len(p.servers)].API(t)
		wg.Go(func() {
			arrived := sync.OnceFunc(ready.Done)
			defer arrived() // when the connection cannot be made
			api.Warm(t)     // so that connections do not queue the requests
			arrived()
			<-start
			replies[i] = do(api)
		})
	}
	ready.Wait()
	close(start)
	wg.Wait()
	return replies
}

// winners returns the replies with tokens. All others must be clean errors.
func winners(t *testing.T, replies []*vouchsafetest.Reply, code string) []*vouchsafetest.Reply {
	t.Helper()
	var won []*vouchsafetest.Reply
	for _, r := range replies {
		switch {
		case r.Status == 200:
			won = append(won, r)
		case r.Error() != code:
			t.Errorf("got %d %s from a loser, want %s", r.Status, r.Raw, code)
		}
	}
	return won
}

// dead fails the test if a token of the replies works at any server.
func (p *places) dead(t *testing.T, c vouchsafetest.Client, replies []*vouchsafetest.Reply) {
	t.Helper()
	for _, s := range p.servers {
		api := s.API(t)
		for _, r := range replies {
			if info := api.Userinfo(t, r.Access()); info.Status != 401 {
				t.Errorf("an access token of a code that was used twice: got %d, want 401", info.Status)
			}
			if got := api.Renew(t, c, r.Refresh()); got.Status != 400 {
				t.Errorf("a refresh token of a code that was used twice: got %d %s, want 400", got.Status, got.Raw)
			}
		}
	}
}

func TestOneCodeGivesTokensOnce(t *testing.T) {
	each(t, func(t *testing.T, p *places) {
		b := p.servers[0].Browser(t, p.servers[0].Jo(t))
		for range 5 {
			r := vouchsafetest.NewRequest(vouchsafetest.Web)
			code := b.Code(t, r)
			won := winners(t, p.fire(t, func(api *vouchsafetest.API) *vouchsafetest.Reply { return api.Redeem(t, r, code) }),
				"invalid_grant")
			if len(won) != 1 {
				t.Errorf("got %d winners, want 1", len(won))
			}
			// The other requests were reuse: the tokens of the first one have ended, too.
			p.dead(t, r.Client, won)
		}
	})
}

func TestOneRefreshTokenHasOneSuccessor(t *testing.T) {
	each(t, func(t *testing.T, p *places) {
		for _, c := range []vouchsafetest.Client{vouchsafetest.Web, vouchsafetest.Public} {
			r := vouchsafetest.NewRequest(c)
			api := p.servers[0].API(t)
			b := p.servers[0].Browser(t, p.servers[0].Jo(t))
			token := api.Redeem(t, r, b.Code(t, r)).Want(t, 200, "").Refresh()
			for range 3 { // generation after generation
				won := winners(t, p.fire(t, func(api *vouchsafetest.API) *vouchsafetest.Reply { return api.Renew(t, c, token) }),
					"invalid_grant")
				if len(won) == 0 {
					t.Fatal("no client got the successor")
				}
				for _, w := range won {
					if w.Refresh() != won[0].Refresh() {
						t.Fatal("one refresh token has two successors")
					}
				}
				token = won[0].Refresh()
			}
			// The one branch is valid at every replica.
			for _, s := range p.servers {
				token = s.API(t).Renew(t, c, token).Want(t, 200, "").Refresh()
			}
		}
	})
}

// TestTwoGenerationsAtOnce: the older token is stolen, or late by two generations. In the end at
// most one branch is valid.
func TestTwoGenerationsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, p *places) {
		c := vouchsafetest.Web
		r := vouchsafetest.NewRequest(c)
		api := p.servers[0].API(t)
		b := p.servers[0].Browser(t, p.servers[0].Jo(t))
		first := api.Redeem(t, r, b.Code(t, r)).Want(t, 200, "").Refresh()
		second := api.Renew(t, c, first).Want(t, 200, "").Refresh()
		var mu sync.Mutex
		n := 0
		replies := p.fire(t, func(api *vouchsafetest.API) *vouchsafetest.Reply {
			mu.Lock()
			n++
			token := []string{first, second}[n%2]
			mu.Unlock()
			return api.Renew(t, c, token)
		})
		tokens := map[string]bool{}
		for _, w := range winners(t, replies, "invalid_grant") {
			tokens[w.Refresh()] = true
		}
		living := 0
		for token := range tokens {
			if api.Active(t, c, token) {
				living++
			}
		}
		if living > 1 {
			t.Errorf("got %d living branches, want at most 1", living)
		}
	})
}

func TestOneAssertionAuthenticatesOnce(t *testing.T) {
	each(t, func(t *testing.T, p *places) {
		for _, k := range vouchsafetest.Keyed() {
			assertion := k.Assertion(t, p.servers[0].AssertionClaims(k.ID()))
			replies := p.fire(t, func(api *vouchsafetest.API) *vouchsafetest.Reply {
				return api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read")
			})
			if won := winners(t, replies, "invalid_client"); len(won) != 1 {
				t.Errorf("%s: got %d winners, want 1", k.Algorithm, len(won))
			}
		}
	})
}
