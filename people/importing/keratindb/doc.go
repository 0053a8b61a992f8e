// Package keratindb reads the accounts of a Keratin AuthN server out of its database: SQLite, PostgreSQL or MySQL.
//
// It reads page by page, each page in statements of its own: no transaction stays open, and AuthN can go on working.
// It writes nothing. What a column means is said by package exports, which also reads the same tables as files.
package keratindb
