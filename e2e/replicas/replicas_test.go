// Package replicas runs several replicas as in production: behind HAProxy with the configuration of
// examples/proxies, so that every request goes to another one; while they are replaced; with a
// PostgreSQL that fails over; and with a Redis Cluster.
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

// web is the client of the load.
var web = load.Web

// unlimited is for load, because limits are not the subject.
var unlimited = map[string]string{"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8"}

// TestRequestsAlternateOnOneConnection: the proxy chooses a replica anew for every request, even on
// one connection. Otherwise the other tests would show nothing.
func TestRequestsAlternateOnOneConnection(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n, " replicas"), func(t *testing.T) {
			t.Parallel()
			site, _ := vouchsafetest.StartBehindProxy(t, n, vouchsafetest.Options{})
			client := site.HTTP(t)
			run, longest := 0, 0 // requests in a row on one connection
			trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
				if !c.Reused {
					run = 0
				}
				run++
				longest = max(longest, run)
			}}
			var order []string
			for range 12 * n {
				req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet,
					site.Issuer+"/jwks", nil)
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
			// A client that is slow to note that it has sent a request opens another connection.
			if longest < 2*n {
				t.Errorf("got %d requests in a row on one connection to the proxy, want at least %d", longest, 2*n)
			}
			for i := n; i < len(order); i++ {
				if order[i] == "" || order[i] != order[i-n] || order[i] == order[i-1] {
					t.Fatalf("the replicas answered in the order %v, want each in its turn", order)
				}
			}
		})
	}
}

// TestProxyTellsWhoAsks: failures count for the address that the proxy saw. A sender that claims to
// be others counts as one all the same, and does not lock them out. Without a setting that names
// the proxy's header, senders of a second header share their attempts.
func TestProxyTellsWhoAsks(t *testing.T) {
	t.Parallel()
	for _, named := range []string{"", "X-Forwarded-For"} {
		t.Run("client_ip_header="+named, func(t *testing.T) {
			t.Parallel()
			var env map[string]string
			if named != "" {
				env = map[string]string{"VOUCHSAFE_CLIENT_IP_HEADER": named}
			}
			site, _ := vouchsafetest.StartBehindProxy(t, 2, vouchsafetest.Options{Env: env})
			proxyTellsWhoAsks(t, site, named)
		})
	}
}

func proxyTellsWhoAsks(t *testing.T, site *vouchsafetest.Server, named string) {
	guesser, other := site.API(t), site.API(t)
	wrong := web.With(vouchsafetest.Client{"client_secret": "a wrong guess"})
	guess := func(api *vouchsafetest.API, claimed string, in ...string) *vouchsafetest.Reply {
		form := vouchsafetest.Values("grant_type", "refresh_token", "refresh_token", "x")
		return api.Form(t, "/token", form, vouchsafetest.Basic(wrong.ID(), wrong.Secret()),
			func(r *http.Request) {
				for _, header := range in {
					r.Header.Set(header, claimed)
				}
			})
	}
	limited := 0
	for i := range 40 {
		claimed := fmt.Sprintf("203.0.113.%d", i)
		if guess(guesser, claimed, "X-Forwarded-For", "X-Real-IP").Status == http.StatusTooManyRequests {
			limited++
		}
		if got := guess(guesser, "for="+claimed, "Forwarded").Status; i > 30 && got != http.StatusTooManyRequests {
			t.Errorf("failure %d from one address, by Forwarded: got %d, want 429", i, got)
		}
	}
	if limited == 0 {
		t.Error("40 failures from one address that claimed to be 40: got no 429")
	}
	claims := [][]string{nil, {"X-Forwarded-For"}, {"X-Forwarded-For", "X-Real-IP"}}
	if named != "" {
		claims = append(claims, []string{"Forwarded"})
	}
	for _, in := range claims {
		if got := guess(other, "203.0.113.1", in...).Status; got != http.StatusUnauthorized {
			t.Errorf("another client behind the same proxy, with %q: got %d, want 401", in, got)
		}
	}
}
