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
	RemovalGrants   = "grants"   // what a GrantFilter names is being revoked
	RemovalSessions = "sessions" // a person's sessions are being ended
	RemovalRestored = "restored" // what a restored backup has brought back is being ended
)

// Removal is something that was removed, revoked or ended, and is too large to be gone at
// once: it works no more, and its rows go in small parts.
type Removal struct {
	TenantID string
	Kind     string // RemovalTenant, …
	ID       string // of the client or person; for others what the store makes of it
	Since    time.Time
}

// Removals goes on with what is being removed. Any replica may, and a process that is
// killed meanwhile leaves nothing undone: the next goes on.
type Removals interface {
	// ClaimRemoval is the oldest removal that no process works on: it is the caller's until
	// leaseUntil. ErrNotFound when there is none.
	ClaimRemoval(ctx context.Context, now, leaseUntil time.Time) (Removal, error)
	// HoldRemoval makes the removal with this kind and id the caller's until leaseUntil.
	// ErrNotFound: nothing is left of it.
	HoldRemoval(ctx context.Context, tenant, kind, id string, leaseUntil time.Time) (Removal, error)
	// CarryOn removes part after part until nothing is left, and tells of each how many rows
	// it had. It rests between them, so that others get their turn. When the context ends
	// first, that is its error, and what was done stays done. onEnd, when not nil, is told what each
	// part has ended.
	CarryOn(ctx context.Context, r Removal, told func(rows int64), onEnd OnEnd) error
	// BeginRestored notes that all of a tenant's sessions and grants, codes, remembered devices
	// and mails that wait are to end that are no younger: a RemovalRestored with the ID "". The
	// events are recorded with it.
	BeginRestored(ctx context.Context, tenant string, before, now time.Time, events ...Event) error
}
