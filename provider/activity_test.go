package provider

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
)

// TestRefreshesOfTokensAreActivity: a user whose app only refreshes is active on that day, by one event, whichever
// replica answers.
func TestRefreshesOfTokensAreActivity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		zone := time.FixedZone("east", 2*60*60)
		store, reads := openDatabase(t, "sqlite::memory:"), 0
		activity := &administration.Activity{Store: store, Counting: administration.Counting{Zone: zone}}
		s := startTokensOn(t, store, memory.New(), func(c *Config) {
			c.FirstActivity = func(ctx context.Context, tenant, user string, signedIn, now time.Time) bool {
				first := activity.First(ctx, tenant, user, signedIn, now)
				if first {
					reads++
				}
				return first
			}
		})
		c := s.client()
		token := s.tokens(c).str("refresh_token")
		refresh := func(want int, when string) {
			t.Helper()
			a := s.refresh(c, token)
			if a.status != http.StatusOK {
				t.Fatalf("%s: got %d %s", when, a.status, a.raw)
			}
			token = a.str("refresh_token")
			if n := s.events(storage.EventSessionRefreshed); n != want {
				t.Errorf("%s: got %d events, want %d", when, n, want)
			}
		}
		refresh(0, "on the day of the sign-in")
		time.Sleep(22*time.Hour - time.Minute)
		refresh(0, "a minute before the next day of the zone")
		time.Sleep(2 * time.Minute)
		refresh(1, "on the next day")
		refresh(1, "again")
		*activity = administration.Activity{Store: store, Counting: activity.Counting}
		refresh(1, "at another replica")
		time.Sleep(24 * time.Hour)
		refresh(2, "on the day after")
		if reads != 2 {
			t.Errorf("%d refreshes were the first, want 2", reads)
		}
		now := time.Now()
		counted, err := store.(storage.Statistics).Counted(t.Context(), s.tenant.ID, 100, now)
		if err != nil {
			t.Fatal(err)
		}
		since := now.In(zone).AddDate(0, 0, -5)
		days, err := store.(storage.Statistics).ActiveBy(t.Context(), s.tenant.ID, storage.Day, since, counted)
		if err != nil || len(days) != 2 || days[1].Users != 1 {
			t.Errorf("got %v, %v, want one active user on each of two days", days, err)
		}
	})
}
