package storage

import (
	"context"
	"time"
)

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
	// Standings returns the Standing of each of the tenant's users whose ids are between first and last, both
	// included, by user id. Users without a second factor and without a sign-in are left out.
	Standings(ctx context.Context, tenant, first, last string) (map[string]Standing, error)
	// NamesFrom returns the keys of addresses and usernames of the tenant's users that begin with the text, in
	// order: at most limit of each.
	NamesFrom(ctx context.Context, tenant, beginning string, limit int) ([]string, error)
}
