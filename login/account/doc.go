// Package account serves the pages of /account, where users look after their own accounts.
//
// Each subject is a Section: a row of the start page, and a page of its own at /account/PATH. A page
// is about the browser's current account (Current). Changes that only the owner may make need a proof
// of the last minutes (Fresh). A form names the session that its page showed, because the browser may
// have changed to another account since.
//
// The package asks package people for every change and never writes to storage. Some sections are
// still served by package login, which uses Server for them.
package account
