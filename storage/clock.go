package storage

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

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

// IDAt returns the least UUID of version 7 of a moment, to the millisecond: the ids of events are such UUIDs, and so
// are in the order of time (RFC 9562 section 5.7).
func IDAt(t time.Time) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(0, t.UnixMilli())))
	h := hex.EncodeToString(b[2:])
	return h[:8] + "-" + h[8:] + "-7000-8000-000000000000"
}

// TimeOf returns the moment of a UUID of version 7, to the millisecond; the zero time if it is no UUID.
func TimeOf(id string) time.Time {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(b) != 16 {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8]) >> 16)).UTC()
}
