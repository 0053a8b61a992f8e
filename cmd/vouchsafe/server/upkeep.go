package server

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/upkeep"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/reread"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	maintainEvery = 5 * time.Minute
	countEvery    = 15 * time.Second
)

// maintainKeys makes, publishes and removes signing keys as their ages demand.
func (s *Server) maintainKeys(ctx context.Context) {
	s.every(ctx, maintainEvery, "maintain keys", s.Provider.Keys.Maintain)
}

// countMail counts waiting and dead mails for the metrics.
func (s *Server) countMail(ctx context.Context) {
	s.every(ctx, countEvery, "count mail", func(ctx context.Context) error { return s.metrics.CountMail(ctx, s.Store) })
}

// every calls do once in each period, give or take a tenth, until the context ends. what names it in the log.
func (s *Server) every(ctx context.Context, period time.Duration, what string, do func(context.Context) error) {
	for {
		jitter := time.Duration(rand.Int64N(int64(period / 5)))
		select {
		case <-ctx.Done():
			return
		case <-time.After(period - period/10 + jitter):
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, what, "error", err)
		}
	}
}

// pruneEvery is how often a server deletes what is kept no longer: the settings count in days.
const pruneEvery = time.Hour

// prune deletes what is kept no longer.
func (s *Server) prune(ctx context.Context) {
	clock := upkeep.NewClock()
	s.every(ctx, pruneEvery, "prune", func(ctx context.Context) error {
		keep, err := s.cfg.Retention()
		if err != nil {
			return err
		}
		n, err := s.Store.Prune(ctx, keep, Counting(s.cfg).Now(clock.Time()))
		if n > 0 {
			s.log.InfoContext(ctx, "deleted or shortened what is kept no longer", "rows", n)
		}
		return err
	})
}

// sweepEvery is how often a server deletes what has expired.
const sweepEvery = time.Minute

// sweep deletes what has expired. Replicas do it at different times.
func (s *Server) sweep(ctx context.Context) {
	clock := upkeep.NewClock()
	keeper := sessions.Keeper{Store: s.Store}
	s.every(ctx, sweepEvery, "sweep", func(ctx context.Context) error {
		now := clock.Time()
		if err := keeper.RecordLapsed(ctx, now); err != nil { // first: what is swept can't be recorded
			return err
		}
		n, err := s.Store.Sweep(ctx, now)
		if n > 0 {
			s.log.DebugContext(ctx, "swept", "rows", n)
		}
		return err
	})
}

// removals finishes what was removed. What the start of this server has removed comes first: other
// replicas leave that to it for a while.
func (s *Server) removals(ctx context.Context) {
	r := &upkeep.Removals{Store: s.Store, Log: s.log}
	r.FinishClients(ctx, s.removed)
	s.every(ctx, upkeep.RemoveEvery, "remove", r.FinishWaiting)
}

// rereadEvery is how often the server looks for names that a replica of the release before has stored.
const rereadEvery = time.Hour

// reread mends the names of users that this release reads in another way than the one before, at the start
// and while replicas of the release before may run.
func (s *Server) reread(ctx context.Context) {
	once := func(ctx context.Context) error {
		return reread.All(ctx, s.Store, func(u storage.User, what reread.Found) {
			s.log.WarnContext(ctx, "address read anew: vouchsafe user check", "tenant", u.TenantID, "user",
				u.ID, "what", string(what))
		})
	}
	if err := once(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "read addresses anew", "error", err)
	}
	s.every(ctx, rereadEvery, "read addresses anew", once)
}

// indexNames stores by what users are found whose names a replica of the release before has stored: at the start, and
// while such replicas may run.
func (s *Server) indexNames(ctx context.Context) {
	once := func(ctx context.Context) error {
		n, err := s.Store.IndexNames(ctx)
		if n > 0 {
			s.log.InfoContext(ctx, "indexed names that an earlier release has stored", "users", n)
		}
		return err
	}
	if err := once(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "index names", "error", err)
	}
	s.every(ctx, rereadEvery, "index names", once)
}

// Counting returns how statistics are counted.
func Counting(cfg *settings.Config) administration.Counting {
	zone, days, weeks := cfg.Statistics()
	return administration.Counting{Zone: zone, Days: days, Weeks: weeks}
}

// tally counts the sign-ins for the statistics, at the start and then again and again.
func (s *Server) tally(ctx context.Context) {
	clock := upkeep.NewClock()
	counting := Counting(s.cfg)
	once := func(ctx context.Context) error { return s.Store.Tally(ctx, counting.Now(clock.Time())) }
	if err := once(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "count sign-ins", "error", err)
	}
	s.every(ctx, maintainEvery, "count sign-ins", once)
}

// useSecret records now and then which master secret this server seals with, until the context ends.
func (s *Server) useSecret(ctx context.Context) {
	print := s.secrets.Fingerprints()[0]
	s.every(ctx, SealEvery, "say which master secret seals", func(ctx context.Context) error {
		return s.Store.UseMasterSecret(ctx, print, time.Now())
	})
}

// SealEvery is how often a server records with which master secret it seals.
const SealEvery = time.Minute
