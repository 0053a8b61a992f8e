package upkeep

import "time"

// believeAfter is how long a clock that was set ahead must stay so until it is believed. Codes, assertions
// and access tokens, of which the server remembers that they were used, live shorter than that: it is
// long enough by any clock.
const believeAfter = 24 * time.Hour

// Clock is the time by which a server deletes what has expired. A clock that is set ahead for a while must
// not sweep away the records that something was used. So a clock that is set back is believed at once, and
// one that is set ahead when it has stayed there: then it was wrong before, like that of a machine which
// did not know the time when it started.
type Clock struct {
	start time.Time     // of the process, with its monotonic reading
	begun time.Time     // when the process started, as is believed
	said  time.Time     // the same, as the clock has said
	since time.Duration // since that much of the process's life
}

// NewClock returns a clock for a process that starts now.
func NewClock() *Clock {
	now := time.Now()
	return &Clock{start: now, begun: now.Round(0)}
}

// Time returns the time to go by.
func (c *Clock) Time() time.Time {
	now := time.Now()
	return c.time(now.Round(0), now.Sub(c.start))
}

// time returns the time for a process that is up for so long, while its clock says wall.
func (c *Clock) time(wall time.Time, up time.Duration) time.Time {
	begun := wall.Add(-up)
	if begun.Sub(c.said).Abs() > time.Minute { // less is within what clocks differ
		c.said, c.since = begun, up
	}
	if begun.Before(c.begun) || up-c.since >= believeAfter {
		c.begun = begun
	}
	return c.begun.Add(up)
}
