package storage

import "time"

// ClockSkew is how far the clocks of replicas may be apart. What was issued further in the
// future than that was issued while a clock was ahead. It does not count until its time has
// come: otherwise it would live for as much longer as the clock was wrong.
const ClockSkew = 2 * time.Minute

// Ahead says whether something was issued by a clock that was ahead.
func Ahead(issued, now time.Time) bool { return issued.Sub(now) > ClockSkew }

// Within says whether something was issued no longer ago than life, and not ahead of time.
func Within(issued, now time.Time, life time.Duration) bool {
	return now.Sub(issued) <= life && !Ahead(issued, now)
}
