// Package declare reads the files in which an operator declares clients, tenants and settings. They are
// YAML, and this is the only package that reads it.
//
// A file becomes records: [Clients] and [Tenants] fill structs by their yaml tags, and [Values] lists
// the entries of a file of settings. All that is wrong with a file is reported at once, each fault with
// its line and column ([Faults]). What the values may be is decided by packages clients, tenants
// and internal/settings; this package adds the place.
//
// No fault contains a secret, and nothing that is read here is stored here.
package declare
