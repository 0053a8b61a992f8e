// Package exports reads what other products write when they export their users, as it is, and returns rows for
// package importing: with password hashes, linked identities, authenticator apps, recovery codes and flags, as
// far as the export has them. What a user has that cannot come is a sentence beside the row.
//
// A file has one file of this package for each product: it says which objects of an export are users, and what
// their fields mean. The rest is shared. Files are JSON (an array, one object after another, or an object that
// holds the array) or CSV, with the marks that Excel and database clients leave in it.
//
// Further files have what a product keeps in tables of their own, such as the identities of users: they are read
// first, into memory. The file of the users is read object by object, and never held. An object has at most
// 1 MiB, and no error quotes a hash or a secret.
package exports
