package storage

import (
	"context"
	"time"
)

// Retention says how long records of the past are kept. Zero keeps them for ever.
type Retention struct {
	Events    time.Duration            // rows of the audit trail
	EventsOf  map[string]time.Duration // the same for single kinds of events
	Addresses time.Duration            // full addresses in the audit trail
	Removed   time.Duration            // rows about a user, from the user's removal
	Revoked   time.Duration            // grants, from their revocation
	// Exported keeps every event until it has been exported (MarkExported).
	Exported bool
}

// Histories deletes records of the past, and exports events.
type Histories interface {
	// Prune deletes rows and shortens addresses, part after part, and returns how many rows it
	// changed. An address becomes that of its network, a /24 or a /48.
	Prune(ctx context.Context, keep Retention, now time.Time) (int64, error)
	// EventsAfter lists the tenant's events, oldest first: at most limit after the given id
	// ("" for the oldest) and before the time until.
	EventsAfter(ctx context.Context, tenant, after string, until time.Time, limit int) ([]Event, error)
	// Exported returns the id of the last of the tenant's events that was exported; "" for none.
	Exported(ctx context.Context, tenant string) (string, error)
	// MarkExported stores the id of the last exported event.
	MarkExported(ctx context.Context, tenant, id string, now time.Time) error
}

// Maintenance is what keeps a durable store healthy.
type Maintenance interface {
	// Ping returns an error unless the database answers and its schema is new enough for this binary.
	Ping(ctx context.Context) error
	// Sweep deletes expired rows in batches, and returns how many. A grant stays for longer than any code
	// is valid: its row says that the code was used.
	Sweep(ctx context.Context, now time.Time) (int64, error)
}
