// Package reset serves the pages on which a user gets an account back: a forgotten password is replaced by a
// code or link from an email, and a change that was not the user's is undone by the link in the email about it.
//
// These pages sign no user in: a user who has the mailbox may not have the second factor. After a reset the
// browser may look over what else opens the account, for a few minutes. No page reveals whether there is an
// account.
//
// The package imports no other door: package login, which knows the name that was typed on the page before,
// hands that over at wiring (Config.TypedName).
package reset
