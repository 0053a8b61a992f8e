// Package storage says what Vouchsafe remembers: the records, the small
// interfaces that keep them, and the errors that they return. It imports
// the standard library only and holds no behaviour beyond what the records mean.
//
// There are two kinds of memory. What must not be lost or happen twice is durable and kept
// by sqldb (PostgreSQL or SQLite, with the same queries). What may be lost at the price
// of a retry is declared in package ephemeral and kept by redis or memory.
//
// What changes a user, the user's credentials, sessions, consents and grants is a [Change]: one
// transaction that has all that belongs together, with the events and messages that tell of it.
// Clients, tenants and keys are written by methods that take their events along. Events that are part
// of no change are observations ([Audit]).
//
// Every backend keeps these rules, and storagetest checks them:
//
//   - The tenant is an argument of every call. Nothing of one tenant is ever read
//     or changed through another.
//   - Storage never reads the clock: the present time and expiries are arguments. Times are
//     kept in microseconds and returned in UTC.
//   - Unique keys and conditional updates decide races. A method that says
//     "once" succeeds for one of many callers.
//   - A record that does not exist is ErrNotFound, never a nil record.
package storage
