package administration

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Activity tells which refreshes of tokens are the first activity of a user on a day, so that statistics count the
// user by one event. Exported fields are required.
type Activity struct {
	Store    storage.Audit
	Counting Counting
	Log      *slog.Logger

	mu          sync.Mutex
	from, until time.Time // of the day
	seen        map[uint64]struct{}
}

const (
	// mostSeen bounds how many users are remembered: some 20 MB. Beyond it, users are looked up anew.
	mostSeen = 500_000
	// looked is how many of a user's latest events are looked at.
	looked = 20
)

var hashOfUsers = maphash.MakeSeed()

// First reports whether the user of a refresh, who signed in at that time, was not active before on this day, as far
// as this server knows. It asks the database once for each user and day.
func (a *Activity) First(ctx context.Context, tenant, user string, signedIn, now time.Time) bool {
	from, known := a.note(tenant, user, signedIn, now)
	if known {
		return false
	}
	events, err := a.Store.EventsOf(ctx, tenant, user, "", looked)
	if err != nil {
		a.Log.WarnContext(ctx, "a refresh doesn't count in the statistics", "user", user, "error", err)
		return false
	}
	for _, e := range events {
		if e.At.Before(from) {
			break
		}
		if e.Kind == storage.EventLoginSucceeded || e.Kind == storage.EventSessionRefreshed {
			return false
		}
	}
	return true
}

// note remembers the user for the rest of the day. It returns when the day began, and reports whether the user is known
// to have been active on it.
func (a *Activity) note(tenant, user string, signedIn, now time.Time) (from time.Time, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Before(a.from) || !now.Before(a.until) {
		now = a.Counting.Now(now)
		today := date(now)
		a.from, a.until = startOf(today, now.Location()), startOf(today.AddDate(0, 0, 1), now.Location())
		a.seen = map[uint64]struct{}{}
	}
	if !signedIn.Before(a.from) {
		return a.from, true
	}
	id := maphash.String(hashOfUsers, tenant+"\x00"+user)
	if _, known = a.seen[id]; known {
		return a.from, true
	}
	if len(a.seen) >= mostSeen {
		clear(a.seen)
	}
	a.seen[id] = struct{}{}
	return a.from, false
}
