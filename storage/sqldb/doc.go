// Package sqldb keeps everything durable, in PostgreSQL or in SQLite, with one text
// for each query.
//
// Package engine runs the statements. Here, each file holds one record: its queries as
// constants, the methods that run them, and how a row becomes the record. What engines
// disagree on is settled in Go: times are microseconds, lists and objects are JSON, keys
// are normalised before they come here.
//
// Races are refereed by unique keys and by conditional statements, never by isolation
// levels: a method that may lose one looks at how many rows its statement touched.
//
// Nothing here reads the clock, decides what a record means, or logs.
package sqldb
