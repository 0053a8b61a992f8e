package storage

import (
	"context"
	"time"
)

// Event is one line of the audit trail.
type Event struct {
	TenantID  string
	ID        string // UUIDv7
	At        time.Time
	Kind      string // EventLoginSucceeded, …: one of EventKinds
	Actor     string // user id, client id or "cli"
	UserID    string // the user that it is about, or ""
	ClientID  string // or ""
	RequestID string
	IP        string
	Detail    map[string]string // never a secret
}

// Audit keeps the events.
type Audit interface {
	// Record stores an event that is part of no change.
	Record(ctx context.Context, e Event) error
	// Events lists the tenant's events, newest first, at most limit before the given id ("" for the newest).
	Events(ctx context.Context, tenant, before string, limit int) ([]Event, error)
	// EventsOf is Events about one user.
	EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]Event, error)
}
