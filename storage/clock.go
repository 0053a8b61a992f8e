package storage

import "time"

// ClockSkew is how far the clocks of replicas may be apart. What is dated further in the future than that
// was issued while a clock was ahead. It is not valid until its time has come: otherwise it would be valid
// for longer, by as much as the clock was wrong.
const ClockSkew = 2 * time.Minute

// Ahead reports whether something was issued by a clock that was ahead.
func Ahead(issued, now time.Time) bool { return issued.Sub(now) > ClockSkew }

// Within reports whether something was issued no longer ago than life, and not ahead of time.
func Within(issued, now time.Time, life time.Duration) bool {
	return now.Sub(issued) <= life && !Ahead(issued, now)
}
