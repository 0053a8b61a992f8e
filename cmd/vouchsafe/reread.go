package main

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/people/reread"
	"github.com/vouchsafe/vouchsafe/storage"
)

// rereadEvery is how soon what a replica of the release before stores is read anew.
const rereadEvery = time.Hour

// reread gives people the names that this release makes of theirs, at the start and for as long
// as replicas of the release before may run beside this one.
func (s *server) reread(ctx context.Context) {
	once := func(ctx context.Context) error {
		return reread.All(ctx, s.store, func(u storage.User, what reread.Found) {
			s.log.WarnContext(ctx, "address read anew: vouchsafe user check", "tenant", u.TenantID, "user", u.ID, "what", string(what))
		})
	}
	if err := once(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "read addresses anew", "error", err)
	}
	s.every(ctx, rereadEvery, "read addresses anew", once)
}
