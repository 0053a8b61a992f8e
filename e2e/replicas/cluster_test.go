package replicas

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
)

// TestRedisCluster: two replicas count together in a Redis Cluster, and continue when one of its
// servers is killed.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartClusterServers(t)
	var addresses []string
	for _, n := range nodes {
		addresses = append(addresses, n.Address())
	}
	env := map[string]string{
		"VOUCHSAFE_REDIS_URL":           "redis://" + strings.Join(addresses, ","),
		"VOUCHSAFE_REFRESH_TOKEN_GRACE": "1m", // a slow machine may need longer than 10 s to verify
		"VOUCHSAFE_STOP_DELAY":          "0s",
	}
	site, replicas := vouchsafetest.StartBehindProxy(t, 2, vouchsafetest.Options{Env: env})
	if status, body := replicas[0].Ops(t, "/readyz"); status != http.StatusOK || !strings.Contains(body, `"ready"`) {
		t.Errorf("with the whole cluster: got %d %s, want ready", status, body)
	}
	l := load.New(t, site, load.Options{People: 2, Refusal: load.Never})
	l.Start()
	l.Enough(100)
	guesses(t, replicas)
	if err := nodes[1].Stop(); err != nil {
		t.Fatal(err)
	}
	l.Enough(200)
	// A browser that is not signed in visits, too, and is signed out again.
	began := time.Now()
	newcomer := site.Browser(t, site.Person(t))
	r := vouchsafetest.NewRequest(web)
	tokens := site.API(t).Redeem(t, r, newcomer.Code(t, r)).Want(t, 200, "")
	site.API(t).As(t, web, "/revoke", vouchsafetest.Values("token", tokens.Refresh())).Want(t, 200, "")
	if got := site.API(t).Userinfo(t, tokens.Access()).Status; got != http.StatusUnauthorized {
		t.Errorf("a grant that was revoked without a part of Redis: got %d, want 401", got)
	}
	t.Logf("a sign-in without a part of Redis took %v", time.Since(began).Round(time.Millisecond))
	guesses(t, replicas[:1]) // each counts alone now
	l.Stop()
	l.Verify()
	for _, r := range replicas {
		if status, body := r.Ops(t, "/readyz"); status != http.StatusOK {
			t.Errorf("without a part of Redis: got %d %s, want 200", status, body)
		}
	}
}

// guesses fails the test unless wrong secrets are limited while the replicas take turns: 20 a
// minute are allowed, and each replica alone would see fewer.
func guesses(t *testing.T, replicas []*vouchsafetest.Server) {
	t.Helper()
	form := vouchsafetest.Values("grant_type", "client_credentials")
	secret := vouchsafetest.Basic(web.ID(), "a wrong guess")
	var apis []*vouchsafetest.API
	first := replicas[0].API(t)
	for _, r := range replicas {
		apis = append(apis, first.At(r))
	}
	var got []int
	for i := range 20 * len(replicas) {
		got = append(got, apis[i%len(apis)].Form(t, "/token", form, secret).Status)
	}
	if len(replicas) == 1 {
		got = append(got, apis[0].Form(t, "/token", form, secret).Status)
	}
	if !slices.Contains(got, http.StatusTooManyRequests) {
		t.Errorf("%d wrong secrets from one address: got %v, want 429 at last", len(got), got)
	}
}
