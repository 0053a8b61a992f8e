package backchannel

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Filter says which ends of sessions are wanted. Its zero value wants all.
type Filter struct {
	State   string // one of the states of storage.Tries, or "" for all
	Session string // the id of a session, or ""
}

// Log returns of what a client was or is to be told, newest first: at most limit behind a place. next is the place
// behind which there may be more; zero if there are none. It returns fewer than limit, and a next, when it has read
// some thousands.
func Log(ctx context.Context, store storage.Logouts, c storage.ClientOf, from storage.LogoutPlace, limit int, f Filter,
) (found []storage.Logout, next storage.LogoutPlace, err error) {
	return webhooks.Read(from, limit, f == Filter{}, func(behind storage.LogoutPlace, n int) ([]storage.Logout, error) {
		return store.Logouts(ctx, c, behind, n)
	}, (*storage.Logout).Place, func(l *storage.Logout) bool {
		return (f.State == "" || f.State == l.State()) && (f.Session == "" || f.Session == l.SessionID)
	})
}

// Replay has a client told again of what it was told, or what was given up: of the session with the id, or if that is
// "" of sessions that ended in a period. It returns of how many.
func Replay(ctx context.Context, store storage.Logouts, c storage.ClientOf, session string, since, until time.Time,
	by audit.By,
) (int64, error) {
	return store.ReplayLogouts(ctx, c, session, since, until, time.Now(), by(storage.Event{
		TenantID: c.TenantID, Kind: storage.EventClientChanged, ClientID: c.ClientID,
		Detail: map[string]string{"what": "logouts replayed"},
	}))
}
