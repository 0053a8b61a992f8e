// Package filter reads the filters of lists: the grammar of SCIM (RFC 7644 section 3.4.2.2), but for value paths.
//
// A filter is text, and never becomes part of a query: it is read into conditions on fields of a table, and each record
// is matched here. Plan says which of the conditions an index can serve, so that few records have to be read.
package filter
