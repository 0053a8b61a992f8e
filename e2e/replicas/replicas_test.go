// Package replicas runs several replicas as they run in production: behind HAProxy, with
// the configuration that docs/operations.md gives, so that every request goes to another
// one; under replacement, with a PostgreSQL that fails over and a Redis Cluster.
package replicas

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

// web is the client whose people make the load.
var web = load.Web

// unlimited is for load: it is not what is to be limited.
var unlimited = map[string]string{"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8"}

// The proxy chooses anew for every request, on one connection too. Otherwise the other
// tests would show nothing.
func TestRequestsAlternateOnOneConnection(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n, " replicas"), func(t *testing.T) {
			t.Parallel()
			site, _ := vouchsafetest.StartBehindProxy(t, n, vouchsafetest.Options{})
			client := site.HTTP(t)
			connections := 0
			trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
				if !c.Reused {
					connections++
				}
			}}
			var order []string
			for range 6 * n {
				req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, site.Issuer+"/jwks", nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, res.Body); err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				order = append(order, res.Header.Get(vouchsafetest.ServedBy))
			}
			if connections != 1 {
				t.Errorf("got %d connections to the proxy, want one for all requests", connections)
			}
			for i := n; i < len(order); i++ {
				if order[i] == "" || order[i] != order[i-n] || order[i] == order[i-1] {
					t.Fatalf("the replicas answered in the order %v, want each in its turn", order)
				}
			}
		})
	}
}

// Failures are counted for the address that the proxy saw: a sender who claims to be
// others is one all the same, and does not lock them out.
func TestProxyTellsWhoAsks(t *testing.T) {
	t.Parallel()
	site, _ := vouchsafetest.StartBehindProxy(t, 2, vouchsafetest.Options{})
	guesser, other := site.API(t), site.API(t)
	wrong := web.With(vouchsafetest.Client{"client_secret": "a wrong guess"})
	guess := func(api *vouchsafetest.API, claimed string) *vouchsafetest.Reply {
		form := vouchsafetest.Values("grant_type", "refresh_token", "refresh_token", "x")
		return api.Form(t, "/token", form, vouchsafetest.Basic(wrong.ID(), wrong.Secret()),
			func(r *http.Request) {
				r.Header.Set("X-Forwarded-For", claimed)
				r.Header.Set("X-Real-IP", claimed)
				r.Header.Set("Forwarded", "for="+claimed)
			})
	}
	limited := 0
	for i := range 40 {
		if guess(guesser, fmt.Sprintf("203.0.113.%d", i)).Status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("40 failures from one address that claimed to be 40: got no 429")
	}
	if got := guess(other, "203.0.113.1").Status; got != http.StatusUnauthorized {
		t.Errorf("somebody else behind the same proxy: got %d, want 401", got)
	}
}
