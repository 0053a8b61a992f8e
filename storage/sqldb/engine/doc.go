// Package engine runs statements in PostgreSQL or in SQLite.
//
// The two databases meet in two small interfaces, Engine and Conn. Everything that depends on which of them
// runs is here: connections, the schema's migration, errors, and what is repeated after a failure. What the
// statements say is in package sqldb.
//
// SQLite has one writer. Callers that wait for it together are committed together
// (groupcommit.go), so that each answered write is on disk and yet a disk that syncs
// 500 times a second takes thousands of writes.
package engine
