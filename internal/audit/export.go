package audit

import (
	"context"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// SettleFor is how old an event is before a marked export takes it. A slower replica may write an older event
// until then, which must not come before the mark.
const SettleFor = 10 * time.Minute

// Event is an event as the management API, commands and downloads show it. Its detail holds no secret: events never
// do.
type Event struct {
	ID        string            `json:"id" doc:"The id; later events have greater ids."`
	At        time.Time         `json:"at" doc:"When it happened."`
	Kind      string            `json:"kind" doc:"What happened: see docs/events.md."`
	Actor     string            `json:"actor,omitempty" doc:"The id of the user or client that acted; cli for the command line."`
	UserID    string            `json:"user_id,omitempty" doc:"The user that it is about."`
	ClientID  string            `json:"client_id,omitempty" doc:"The client that it is about."`
	RequestID string            `json:"request_id,omitempty" doc:"The request, as in the server's log."`
	IP        string            `json:"ip,omitempty" doc:"Where the request came from."`
	Detail    map[string]string `json:"detail,omitempty" doc:"More about it."`
}

// EventOf returns an event of storage as an Event.
func EventOf(e storage.Event) Event {
	return Event{e.ID, e.At, e.Kind, e.Actor, e.UserID, e.ClientID, e.RequestID, e.IP, e.Detail}
}

// Export writes a part of a tenant's audit trail, oldest first.
type Export struct {
	Tenant string
	After  string    // begin after the event with this id; "" for the first
	Until  time.Time // leave out newer events; zero for all
	Kinds  []string  // leave out other kinds; none for all
	// Mark begins where the last marked export ended, and remembers where this one ended once it is complete.
	// It takes all kinds.
	Mark bool
}

// ExportStore is what an Export reads, and where its mark is.
type ExportStore interface {
	EventsAfter(ctx context.Context, tenant, after string, until time.Time, limit int) ([]storage.Event, error)
	Exported(ctx context.Context, tenant string) (id string, err error)
	MarkExported(ctx context.Context, tenant, id string, now time.Time) error
}

// Run calls write with page after page of events, which may be empty. What write has returned nil for is
// exported. It rests after each page.
func (x Export) Run(ctx context.Context, s ExportStore, write func([]storage.Event) error) error {
	now := time.Now()
	if x.Until.IsZero() {
		x.Until = now.Add(time.Hour) // the clock of a replica may be ahead
	}
	if settled := now.Add(-SettleFor); x.Mark && x.Until.After(settled) {
		x.Until = settled
	}
	if x.Mark {
		var err error
		if x.After, err = s.Exported(ctx, x.Tenant); err != nil {
			return err
		}
	}
	last, err := x.pages(ctx, s, write)
	if err != nil || !x.Mark || last == x.After {
		return err
	}
	return s.MarkExported(ctx, x.Tenant, last, now)
}

// pages writes all pages, and returns the id of the last event that it read.
func (x Export) pages(ctx context.Context, s ExportStore, write func([]storage.Event) error) (last string, err error) {
	last = x.After
	for {
		began := time.Now()
		page, err := s.EventsAfter(ctx, x.Tenant, last, x.Until, listing.PageSize)
		if err != nil {
			return last, err
		}
		read := len(page)
		if read > 0 {
			last = page[read-1].ID
		}
		if len(x.Kinds) > 0 {
			page = slices.DeleteFunc(page, func(e storage.Event) bool { return !slices.Contains(x.Kinds, e.Kind) })
		}
		if err := write(page); err != nil {
			return last, err
		}
		if read < listing.PageSize {
			return last, nil
		}
		listing.Rest(began)
	}
}
