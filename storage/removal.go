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
