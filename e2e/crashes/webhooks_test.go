package crashes

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/receiver"
)

// private are the settings of a server in production that may call this machine.
var private = map[string]string{"VOUCHSAFE_ALLOW_PRIVATE_FETCH": "true"}

// TestWebhooksOutliveKills kills the server between the commit of events and their delivery. An app is told of every
// event, and of those of one user in their order.
func TestWebhooksOutliveKills(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Shipped: true, Env: private})
		app := receiver.New(t, func(receiver.Told) int {
			time.Sleep(upTo(10 * time.Millisecond)) // so that the server dies while it waits for some
			return http.StatusNoContent
		})
		console := receiver.Open(t, s)
		console.AddWebhook(t, app, "user.*")
		var users []string
		for i := range 4 {
			users = append(users, console.AddUser(t, fmt.Sprintf("user%d@example.com", i)))
		}
		const kills = 3
		for range kills {
			before := len(app.Got())
			var wg sync.WaitGroup
			for _, user := range users {
				wg.Go(func() {
					for i := 0; ; i++ {
						time.Sleep(10 * time.Millisecond) // so that what is left fits into the time of a test
						verb := []string{":disable", ":enable"}[i%2]
						if console.Try(t, console.Request(t, http.MethodPost, "/users/"+user+verb, nil)) == nil {
							return
						}
					}
				})
			}
			receiver.Until(t, "an event is delivered", func() bool { return len(app.Got()) > before })
			time.Sleep(upTo(300 * time.Millisecond))
			s.Kill()
			wg.Wait()
			s.Restart(t)
		}
		var want []string // as the trail has them, oldest first
		for after := ""; ; {
			page := console.Do(t, http.MethodGet, "/audit?limit=100"+after, nil)
			for _, e := range page.Body["items"].([]any) {
				e := e.(map[string]any)
				if user, _ := e["user_id"].(string); slices.Contains(users, user) &&
					strings.HasPrefix(e["kind"].(string), "user.") {
					want = append(want, user+" "+e["id"].(string))
				}
			}
			if after = page.String("next"); after == "" {
				break
			}
			after = "&after=" + after
		}
		slices.Sort(want)
		receiver.Until(t, "every event is delivered", func() bool { return len(firsts(app.Got())) >= len(want) })
		got := firsts(app.Got())
		for _, user := range users {
			if a, b := of(got, user), of(want, user); !slices.Equal(a, b) {
				t.Errorf("got %d events of a user, not the %d in their order:\n%v\n%v", len(a), len(b), a, b)
			}
		}
		t.Logf("%d events, %d requests, %d kills", len(want), len(app.Got()), kills)
	})
}

// firsts returns users and ids of events, each when it came first.
func firsts(all []receiver.Told) (events []string) {
	known := make(map[string]bool)
	for _, e := range all {
		if !known[e.ID] {
			known[e.ID] = true
			events = append(events, e.Data.Subject+" "+e.ID)
		}
	}
	return events
}

// of returns the events of a user.
func of(all []string, user string) (events []string) {
	for _, e := range all {
		if strings.HasPrefix(e, user) {
			events = append(events, e)
		}
	}
	return events
}

// TestAReceiverThatFailsForADay answers 500 for a day, by the server's clock. Then it gets everything, in the order of
// each user. One that fails for longer than three days does not get what is older.
func TestAReceiverThatFailsForADay(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		clock := buildtest.NewClock(t)
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Clock: clock, Env: private})
		var works atomic.Bool
		app := receiver.New(t, func(receiver.Told) int {
			if works.Load() {
				return http.StatusNoContent
			}
			return http.StatusInternalServerError
		})
		console := receiver.Open(t, s)
		hook, _ := console.AddWebhook(t, app, "user.*")
		user := console.AddUser(t, "one@example.com")
		console.Do(t, http.MethodPost, "/users/"+user+":disable", nil)
		receiver.Until(t, "an attempt", func() bool { return len(app.Got()) > 0 })
		for _, ahead := range []time.Duration{10 * time.Minute, 2 * time.Hour, 12 * time.Hour, 24 * time.Hour} {
			before := len(app.Got())
			clock.Set(t, ahead)
			receiver.Until(t, "another attempt", func() bool { return len(app.Got()) > before })
		}
		for _, e := range app.Got() {
			if e.ID != app.Got()[0].ID {
				t.Fatalf("got %s before %s was taken", e.Type, app.Got()[0].Type)
			}
		}
		console.Token = s.OwnerToken(t) // a day has gone by
		status := console.Do(t, http.MethodGet, "/webhooks/"+hook, nil).Body["status"].(map[string]any)
		if status["failing_since"] == nil {
			t.Error("the webhook does not say that it fails")
		}
		works.Store(true)
		failed := len(app.Got())
		clock.Set(t, 36*time.Hour)
		receiver.Until(t, "both events", func() bool { return len(app.Got()) >= failed+2 })
		if got := firsts(app.Got()); len(got) < 2 || app.Got()[failed].Type != "user.added" ||
			app.Got()[failed+1].Type != "user.disabled" {
			t.Errorf("got %v, want both in their order", got)
		}

		works.Store(false)
		console.Token = s.OwnerToken(t)
		console.Do(t, http.MethodPost, "/users/"+user+":enable", nil)
		receiver.Until(t, "an attempt", func() bool { return app.Got()[len(app.Got())-1].Type == "user.enabled" })
		clock.Set(t, (36+80)*time.Hour)
		console.Token = s.OwnerToken(t)
		receiver.Until(t, "it is given up", func() bool {
			return strings.Contains(console.Do(t, http.MethodGet, "/webhooks/"+hook+"/deliveries", nil).Raw, `"state":"dead"`)
		})
	})
}
