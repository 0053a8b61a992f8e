package races

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// replicas returns two servers with one database, for one test.
func replicas(t *testing.T) (a, b *vouchsafetest.Server) {
	t.Helper()
	a = vouchsafetest.Start(t, vouchsafetest.Options{Production: true})
	return a, a.Replica(t)
}

func TestReplicasAreOneServer(t *testing.T) {
	t.Parallel()
	a, b := replicas(t)
	web := vouchsafetest.Web
	browser := a.Browser(t, a.Jo(t))
	r := vouchsafetest.NewRequest(web)
	page := browser.Get(t, r.Path())
	there := browser.At(t, b) // the load balancer sends the browser elsewhere in mid-flow
	answer := there.Walk(t, r, there.Get(t, page.URL.RequestURI()))
	first := a.API(t).Redeem(t, r, answer.Code()).Want(t, 200, "")
	b.API(t).Redeem(t, r, answer.Code()).Want(t, 400, "invalid_grant")
	if info := a.API(t).Userinfo(t, first.Access()); info.Status != 401 {
		t.Errorf("a code reused at another replica: got %d from user info, want 401", info.Status)
	}
	silent := vouchsafetest.NewRequest(web, "prompt", "none")
	second := b.API(t).Redeem(t, silent, browser.Code(t, silent)).Want(t, 200, "")
	b.API(t).IDToken(t, web, silent, second)
	a.API(t).IDToken(t, web, silent, second) // the same keys are published
	// A revocation at one replica takes effect at the other.
	a.API(t).As(t, web, "/revoke", url.Values{"token": {second.Refresh()}})
	elsewhere := b.API(t)
	for revoked := time.Now(); ; {
		// A client that waits for an answer does not know when the question was decided; it was
		// after the request.
		asked := time.Since(revoked)
		if elsewhere.Userinfo(t, second.Access()).Status == 401 {
			break
		}
		if asked > time.Second {
			t.Fatalf("a revocation is not seen at the other replica after %v, want a second at most", asked)
		}
	}
}

func TestNewClientWorksAtOnceAtEveryReplica(t *testing.T) {
	t.Parallel()
	a, b := replicas(t)
	c := a.AddClient(t)
	for _, s := range []*vouchsafetest.Server{b, a} {
		r := vouchsafetest.NewRequest(c)
		s.API(t).Redeem(t, r, s.Browser(t, s.Jo(t)).Code(t, r)).Want(t, 200, "")
	}
}

func TestGuessesAreCountedTogether(t *testing.T) {
	t.Parallel()
	a, b := replicas(t)
	p := a.Person(t)
	var wg sync.WaitGroup
	for i := range 40 {
		s := []*vouchsafetest.Server{a, b}[i%2]
		wg.Go(func() {
			guesser := s.Browser(t, vouchsafetest.Person{Email: p.Email, Password: "a wrong guess"})
			guesser.SignIn(t, guesser.Get(t, vouchsafetest.NewRequest(vouchsafetest.Web).Path()), guesser.Person)
		})
	}
	wg.Wait()
	// From many addresses, one account: from a new address not even the right password helps now.
	late := b.Browser(t, p)
	page := late.SignIn(t, late.Get(t, vouchsafetest.NewRequest(vouchsafetest.Web).Path()), p)
	if page.Left != nil {
		t.Error("40 wrong guesses in parallel at two replicas did not count together")
	}
}

// TestReplicasStartAtOnce: replicas that start at the same time on an empty database migrate it
// once and make one set of keys.
func TestReplicasStartAtOnce(t *testing.T) {
	t.Parallel()
	servers := vouchsafetest.StartTogether(t, 3)
	first := servers[0].API(t).Keys(t)
	for _, s := range servers[1:] {
		got := s.API(t).Keys(t)
		if len(got.Keys) != len(first.Keys) {
			t.Errorf("got %d keys, and %d at another replica", len(got.Keys), len(first.Keys))
		}
		for _, k := range got.Keys {
			if len(first.Key(k.KeyID)) != 1 {
				t.Errorf("key %s is published at one replica only", k.KeyID)
			}
		}
	}
}
