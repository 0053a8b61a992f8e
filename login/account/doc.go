// Package account serves the pages of /account, where users look after their own accounts.
//
// Each subject is a Section: a row of the start page, and a page of its own at /account/PATH. A page
// is about the browser's current account (current). Changes that only the owner may make need a proof
// of the last minutes (fresh). A form names the session that its page showed, because the browser may
// have changed to another account since.
//
// The package asks package people for every change and never writes to storage. It imports no other door:
// package login, which knows the way to an upstream provider, hands that over at wiring (Config.Depart).
package account
