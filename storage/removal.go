package storage

import (
	"context"
	"time"
)

// Kinds of Removal.
const (
	RemovalTenant   = "tenant"
	RemovalClient   = "client"
	RemovalUser     = "user"
	RemovalGroup    = "group"
	RemovalRole     = "role"
	RemovalWebhook  = "webhook"
	RemovalGrants   = "grants"   // what a GrantFilter names is being revoked
	RemovalSessions = "sessions" // a user's sessions are being ended
	RemovalRestored = "restored" // what a restored backup has brought back is being ended
)

// Removal is something that was removed, revoked or ended, and has too many rows for one transaction.
// Nothing of it works any more; its rows are deleted or changed in small parts.
type Removal struct {
	TenantID string
	Kind     string // RemovalTenant, …
	ID       string // of the client or user; of other kinds, what the backend makes of it
	Since    time.Time
}

// Removals continues removals. Any replica may do so: if a process is killed in the middle of a removal,
// another one continues it.
type Removals interface {
	// ClaimRemoval returns the oldest removal that no process works on, and reserves it for the caller
	// until leaseUntil. ErrNotFound if there is none.
	ClaimRemoval(ctx context.Context, now, leaseUntil time.Time) (Removal, error)
	// HoldRemoval reserves the removal with this kind and id for the caller until leaseUntil.
	// ErrNotFound: it is complete.
	HoldRemoval(ctx context.Context, tenant, kind, id string, leaseUntil time.Time) (Removal, error)
	// CarryOn removes part after part until nothing is left, and calls told with the number of rows of
	// each. It pauses between parts, so that other work gets its turn. If the context ends first, CarryOn
	// returns its error, and the parts so far stay done. onEnd, unless nil, is called with what each part
	// has ended.
	CarryOn(ctx context.Context, r Removal, told func(rows int64), onEnd OnEnd) error
	// BeginRestored begins a RemovalRestored, with the ID "": all of a tenant's sessions, grants, codes,
	// remembered devices and waiting deliveries end that are not younger than before. The events are
	// recorded with it.
	BeginRestored(ctx context.Context, tenant string, before, now time.Time, events ...Event) error
}

// Retention says how long records of the past are kept. Zero keeps them for ever.
type Retention struct {
	Events    time.Duration            // rows of the audit trail
	EventsOf  map[string]time.Duration // the same for single kinds of events
	Addresses time.Duration            // full addresses in the audit trail
	Removed   time.Duration            // rows about a user, from the user's removal
	Revoked   time.Duration            // grants, from their revocation
	// Exported keeps every event until it has been exported (MarkExported).
	Exported bool
	// Days, Weeks and Months are how many of each the statistics keep.
	Days, Weeks, Months int
}

// Histories deletes records of the past, and exports events.
type Histories interface {
	// Prune deletes rows and shortens addresses, part after part, and returns how many rows it
	// changed. An address becomes that of its network, a /24 or a /48. Outside clients that are older than KeepOutside,
	// and that nothing refers to, are deleted: no grant, no younger consent and no verdict.
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
