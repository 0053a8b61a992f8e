package storage

import (
	"context"
	"time"
)

// SignIns are the sign-ins of one day that went the same way.
type SignIns struct {
	Day    time.Time // its beginning, in UTC
	Failed bool
	// How is the amr of sign-ins, in the order of the proofs; or the reason of those that were refused.
	How   string
	Count int64
}

// Active is how many different users signed in on a day.
type Active struct {
	Day   time.Time // its beginning, in UTC
	Users int64
}

// Statistics counts what the audit trail has of a tenant, from one time, included, to another.
type Statistics interface {
	// SignIns counts sign-ins and refusals, by day and way.
	SignIns(ctx context.Context, tenant string, from, to time.Time) ([]SignIns, error)
	// ActiveByDay counts the users who signed in, by day.
	ActiveByDay(ctx context.Context, tenant string, from, to time.Time) ([]Active, error)
	// ActiveUsers counts the users who signed in at all.
	ActiveUsers(ctx context.Context, tenant string, from, to time.Time) (int64, error)
}
