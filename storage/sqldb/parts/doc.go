// Package parts does long work on many rows in parts, each a transaction of its own with a pause after it: SQLite has
// one writer, which sign-ins need, and PostgreSQL has other work to do, too.
package parts
