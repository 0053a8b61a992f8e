// Package column turns values of Go into what columns of PostgreSQL and SQLite keep, and back.
//
// Both engines keep the same: a time is the number of microseconds since 1970, a list or an object is JSON. A type that
// implements sql.Scanner stands for a column while a row is read: row.Scan(column.Time(&s.CreatedAt)).
package column
