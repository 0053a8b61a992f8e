package storage

import (
	"context"
	"time"
)

// Retention says how long what happened is kept. Zero keeps it for ever.
type Retention struct {
	Events    time.Duration            // rows of the audit trail
	EventsOf  map[string]time.Duration // the same for kinds of their own
	Addresses time.Duration            // full addresses in the audit trail
	Removed   time.Duration            // rows about a person, from their removal
	Revoked   time.Duration            // grants, from their revocation
	// Exported keeps every row until an export has noted that it has it (MarkExported).
	Exported bool
}

// Histories keeps what happened no longer than it is to be kept.
type Histories interface {
	// Prune deletes and shortens, one part after the other, and says how many rows it changed.
	// Addresses become those of their network, a /24 or a /48.
	Prune(ctx context.Context, keep Retention, now time.Time) (int64, error)
	// EventsAfter lists the tenant's events, oldest first, at most limit behind the given id
	// ("" for the oldest) and before the time.
	EventsAfter(ctx context.Context, tenant, after string, until time.Time, limit int) ([]Event, error)
	// Exported is the id up to which the tenant's events have been exported; "" for none.
	Exported(ctx context.Context, tenant string) (string, error)
	// MarkExported notes it.
	MarkExported(ctx context.Context, tenant, id string, now time.Time) error
}
