package upkeep

import "time"

// believeAfter is how long a clock that was set ahead must stay so until it is believed. Codes,
// assertions and access tokens live shorter than that, so that the record of their use is not
// deleted too early by any clock.
const believeAfter = 24 * time.Hour

// Clock is the time by which a server deletes expired records. A clock that is ahead for a while
// must not delete the records that something was used. Clock therefore believes a clock that is set
// back at once, but one that is set ahead only after believeAfter. Such a clock was wrong before,
// like that of a machine that did not know the time at its start.
type Clock struct {
	start time.Time     // when the process started, with a monotonic reading
	begun time.Time     // when the process started, by the clock that is believed
	said  time.Time     // when the process started, by the latest reading of the clock
	since time.Duration // how old the process was when said last changed
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

// time returns the time to go by, for a process that has run for up while its clock shows wall.
func (c *Clock) time(wall time.Time, up time.Duration) time.Time {
	begun := wall.Add(-up)
	if begun.Sub(c.said).Abs() > time.Minute { // smaller differences are usual
		c.said, c.since = begun, up
	}
	if begun.Before(c.begun) || up-c.since >= believeAfter {
		c.begun = begun
	}
	return c.begun.Add(up)
}
