// Package administration holds what administrators do to the accounts of others: at the command line today.
// Each use case is one storage.Change with its event, and takes an Asker, as those of package people do.
//
// What is wrong with an entry is an *importing.Fault. What is wrong with a password is an error of
// password.Policy. An account that does not exist is storage.ErrNotFound.
//
// The package sends no mail to users: an administrator tells them what was done.
package administration
