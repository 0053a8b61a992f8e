package audit

import (
	"context"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/filter"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Search looks for events of a tenant, newest first. What is empty matches every event.
type Search struct {
	Tenant           string
	Kinds            []string
	UserID, ClientID string
	Actor            string
	Since, Until     time.Time // Until leaves out newer events, to the millisecond
	// Filter is one that Table has read: see Narrow.
	Filter filter.Filter
}

// Table is what filters can ask about events. The fields are named as in the API.
var Table = filter.Table[storage.Event]{
	filter.TextColumn("id", filter.Exact, func(e storage.Event) string { return e.ID }),
	filter.TimeColumn("at", func(e storage.Event) time.Time { return e.At }),
	filter.TextColumn("kind", filter.Exact, func(e storage.Event) string { return e.Kind }),
	filter.TextColumn("actor", filter.Exact, func(e storage.Event) string { return e.Actor }),
	filter.TextColumn("user_id", filter.Exact, func(e storage.Event) string { return e.UserID }),
	filter.TextColumn("client_id", filter.Exact, func(e storage.Event) string { return e.ClientID }),
	filter.TextColumn("request_id", filter.Exact, func(e storage.Event) string { return e.RequestID }),
	filter.TextColumn("ip", filter.Exact, func(e storage.Event) string { return e.IP }),
	filter.TextColumn("detail.reason", filter.Exact, func(e storage.Event) string { return e.Detail["reason"] }),
	filter.TextColumn("detail.amr", filter.Exact, func(e storage.Event) string { return e.Detail["amr"] }),
}

// Narrow has the search find only events that match the filter, too, and read only those of the user and the time that
// it asks for.
func (q *Search) Narrow(f filter.Filter) {
	q.Filter = f
	for _, c := range f.Must() {
		if c.Field == "user_id" && c.Op == filter.Equal && q.UserID == "" {
			q.UserID = c.Text
		}
		at, isTime := c.Value.(time.Time)
		if !isTime {
			continue
		}
		switch c.Op {
		case filter.Equal:
			q.since(at)
			q.until(at)
		case filter.Greater, filter.NotLess:
			q.since(at)
		case filter.Less, filter.NotGreater:
			q.until(at)
		}
	}
}

// since leaves out older events.
func (q *Search) since(at time.Time) {
	if at.After(q.Since) {
		q.Since = at
	}
}

// until leaves out newer events.
func (q *Search) until(at time.Time) {
	if q.Until.IsZero() || at.Before(q.Until) {
		q.Until = at
	}
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
	searchMost = 2_500
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
		(q.UserID == "" || q.UserID == e.UserID) && (q.ClientID == "" || q.ClientID == e.ClientID) &&
		(q.Actor == "" || q.Actor == e.Actor) && Table.Match(q.Filter, e)
}
