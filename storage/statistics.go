package storage

import (
	"context"
	"time"
)

// SignIns are the sign-ins of one day that went the same way.
type SignIns struct {
	Day    time.Time // its date, as midnight in UTC
	Failed bool
	// How is the amr of sign-ins, in the order of the proofs; or the reason of those that were refused.
	How   string
	Count int64
}

// Period is a kind of time in which users are active.
type Period string

// Periods.
const (
	Day   Period = "active"
	Week  Period = "week" // from Monday on (ISO 8601)
	Month Period = "month"
)

// KeptMonths is how many months of statistics are kept.
const KeptMonths = 60

// Active is how many different users were active in a period.
type Active struct {
	First time.Time // the date of its first day, as midnight in UTC
	Users int64
}

// Counted is how far the sign-ins of a tenant are counted.
type Counted struct {
	Event string    // the id of the last event that is counted; "" if all are
	Until time.Time // the moment of that event, or now
}

// Statistics counts sign-ins and active users of a tenant from the beginning of a day on: days are those of the zone of
// that time. A user is active who signs in, or whose session or tokens are refreshed without a sign-in on that day
// (EventSessionRefreshed).
type Statistics interface {
	// Counted returns how far a request can count now: to the event that lies so many, 10,000 at most, behind those
	// that Tally has counted.
	Counted(ctx context.Context, tenant string, most int, now time.Time) (Counted, error)
	// SignIns counts sign-ins and refusals, by day and way.
	SignIns(ctx context.Context, tenant string, since time.Time, to Counted) ([]SignIns, error)
	// ActiveBy counts the active users of each period that has any and does not begin before the day.
	ActiveBy(ctx context.Context, tenant string, period Period, since time.Time, to Counted) ([]Active, error)
	// ActiveUsers counts the users who were active at all.
	ActiveUsers(ctx context.Context, tenant string, since time.Time, to Counted) (int64, error)
	// SignUps counts the accounts that were added on each day that has any, but for those that were imported.
	SignUps(ctx context.Context, tenant string, since, now time.Time) ([]Active, error)
	// Tally counts the events of all tenants that are older than some minutes and were not counted before, back to a
	// year ago, part after part, and stores the numbers: the others then have to count the latest events only. The
	// numbers stay when the events are deleted. Days are those of the zone of now.
	Tally(ctx context.Context, now time.Time) error
}

// Standing says of a user what lists show beside the User.
type Standing struct {
	UserID       string
	SecondFactor bool      // see HasSecondFactor
	LastSignIn   time.Time // zero if no sign-in is known
	// LastActivity is when the user last signed in, used a session, or an app refreshed a token of theirs. It
	// may be an hour older than the truth.
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
