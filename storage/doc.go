// Package storage says what Vouchsafe remembers: the records, the small
// interfaces that keep them, and the four errors they answer with. It imports
// the standard library only and holds no behaviour beyond what the records mean.
//
// Two kinds of memory exist. What must not be lost or doubled is durable and kept
// by sqldb (PostgreSQL or SQLite, one query text). What may be lost at the price
// of one retry is Ephemeral and kept by redis or memory.
//
// Rules every backend keeps, and storagetest checks:
//
//   - The tenant is an argument of every call; nothing of one tenant is ever seen
//     or changed through another.
//   - Storage never reads the clock: now and expiry come in as values. Times are
//     kept in microseconds and come back in UTC.
//   - Races are refereed by unique keys and conditional updates. A method that says
//     "once" succeeds for one of many callers.
//   - A record that is not there is ErrNotFound, never a nil record.
package storage
