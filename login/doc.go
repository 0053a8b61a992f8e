// Package login serves the pages that a user sees on the way to a token: signing in, signing up,
// choosing an account, allowing a client what it asks for, and signing out. Package login/ui renders
// them, and the error page; package login/reset serves the pages on which a user gets an account back,
// and package login/account those of /account.
//
// A page never decides what comes next. It settles its own step, leaves its proof (a
// session, a choice, a consent) and sends the browser back to where the request came
// from; package provider/authorize alone knows the order of steps. A page takes that address from the
// sealed request only. Without one, the parameter next may name a page of the account, and nothing
// else.
//
// Every page works without scripts. No page reveals whether there is an account: an unknown
// name, a wrong password and a disabled account get the same answer, after the same work.
package login
