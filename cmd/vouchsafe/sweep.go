package main

import (
	"context"
	"time"
)

const (
	sweepEvery = time.Minute
	// believeAfter is how long a clock that was set ahead stays so until the sweep goes by
	// it. Codes, assertions and access tokens, of which it is remembered that they were used,
	// live shorter than that: it is long enough, by whatever clock.
	believeAfter = 24 * time.Hour
)

// sweep deletes what has expired, now and then. Replicas do it at different times.
func (s *server) sweep(ctx context.Context) {
	start := time.Now()
	clock := sweepClock{begun: start.Round(0)}
	s.every(ctx, sweepEvery, "sweep", func(ctx context.Context) error {
		now := time.Now()
		n, err := s.store.Sweep(ctx, clock.time(now.Round(0), now.Sub(start)))
		if n > 0 {
			s.log.DebugContext(ctx, "swept", "rows", n)
		}
		return err
	})
}

// sweepClock is the time that the sweep goes by. A clock that is set ahead for a while must
// not sweep away what tells that something was used. So one that is set back is believed at
// once, and one that is set ahead when it has stayed there: it was wrong before, such as that
// of a machine which did not know the time when it started.
type sweepClock struct {
	begun time.Time     // when the process started, as is believed
	said  time.Time     // the same, as the clock has said
	since time.Duration // since that much of the process's life
}

// time is the time, of a process that is up for so long, while its clock says wall.
func (c *sweepClock) time(wall time.Time, up time.Duration) time.Time {
	begun := wall.Add(-up)
	if begun.Sub(c.said).Abs() > time.Minute { // less is within what clocks differ
		c.said, c.since = begun, up
	}
	if begun.Before(c.begun) || up-c.since >= believeAfter {
		c.begun = begun
	}
	return c.begun.Add(up)
}
