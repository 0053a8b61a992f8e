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

// Counted is how far the sign-ins of a tenant are counted.
type Counted struct {
	Event string    // the id of the last event that is counted; "" if all are
	Until time.Time // the moment of that event, or now
}

// Statistics counts sign-ins of a tenant from the beginning of a day on.
type Statistics interface {
	// Counted returns how far a request can count now: to the event that lies so many, 10,000 at most, behind those
	// that Tally has counted.
	Counted(ctx context.Context, tenant string, most int, now time.Time) (Counted, error)
	// SignIns counts sign-ins and refusals, by day and way.
	SignIns(ctx context.Context, tenant string, since time.Time, to Counted) ([]SignIns, error)
	// ActiveByDay counts the users who signed in, by day.
	ActiveByDay(ctx context.Context, tenant string, since time.Time, to Counted) ([]Active, error)
	// ActiveUsers counts the users who signed in at all.
	ActiveUsers(ctx context.Context, tenant string, since time.Time, to Counted) (int64, error)
	// Tally counts the events of all tenants that are older than some minutes and were not counted before, back to a
	// year ago, part after part, and stores the numbers: the others then have to count the latest events only. The
	// numbers stay when the events are deleted.
	Tally(ctx context.Context, now time.Time) error
}

// Standing says of a user what lists show beside the User.
type Standing struct {
	UserID       string
	SecondFactor bool      // see HasSecondFactor
	LastSignIn   time.Time // zero if no sign-in is known
	// LastActivity is when the user last signed in, used a session, or an app refreshed a token of theirs. It
	// may be some minutes older than the truth.
	LastActivity time.Time
}

// Standings tells about many users at a time, for lists.
type Standings interface {
	// Standings returns the Standing of each of the tenant's users with these ids, by user id. Users without a second
	// factor and without a sign-in are left out.
	Standings(ctx context.Context, tenant string, ids []string) (map[string]Standing, error)
	// NamesFrom returns the keys of addresses and usernames of the tenant's users that begin with the text, in
	// order: at most limit of each.
	NamesFrom(ctx context.Context, tenant, beginning string, limit int) ([]string, error)
}
