package audit

import (
	"context"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Search looks for events of a tenant, newest first. What is empty matches every event.
type Search struct {
	Tenant           string
	Kinds            []string
	UserID, ClientID string
	Actor            string
	Since, Until     time.Time // Until leaves out newer events, to the millisecond
}

// SearchStore is what a Search reads.
type SearchStore interface {
	Events(ctx context.Context, tenant, before string, limit int) ([]storage.Event, error)
	EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]storage.Event, error)
}

// A search reads so many events at a time, and so many for one page. A page of a rare kind is therefore short, and
// the next one goes on.
const (
	searchPart = 500
	searchMost = 5_000
)

// Page returns at most limit events before the one with the id ("" for the newest), and the id before which the next
// page begins; "" if there are no more.
func (q Search) Page(
	ctx context.Context, s SearchStore, before string, limit int,
) (found []storage.Event, next string, err error) {
	if before == "" && !q.Until.IsZero() {
		before = storage.IDAt(q.Until.Add(time.Millisecond))
	}
	for read := 0; read < searchMost; read += searchPart {
		part, err := q.read(ctx, s, before)
		if err != nil {
			return nil, "", err
		}
		for _, e := range part {
			if before = e.ID; e.At.Before(q.Since) {
				return found, "", nil
			}
			if !q.matches(e) {
				continue
			}
			if found = append(found, e); len(found) == limit {
				return found, before, nil
			}
		}
		if len(part) < searchPart {
			return found, "", nil
		}
	}
	return found, before, nil
}

// read reads the next events.
func (q Search) read(ctx context.Context, s SearchStore, before string) ([]storage.Event, error) {
	if q.UserID != "" {
		return s.EventsOf(ctx, q.Tenant, q.UserID, before, searchPart)
	}
	return s.Events(ctx, q.Tenant, before, searchPart)
}

// matches reports whether the search finds the event.
func (q Search) matches(e storage.Event) bool {
	return (len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) &&
		(q.ClientID == "" || q.ClientID == e.ClientID) && (q.Actor == "" || q.Actor == e.Actor)
}
