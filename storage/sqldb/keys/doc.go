// Package keys keeps signing keys in SQL, and tells on which master secrets sealed values depend: it walks over the
// sealed values of all tables, so that a master secret can be replaced.
package keys
