// Package login serves the pages a person sees on the way to a token: signing in,
// choosing an account, allowing a client what it asks for, signing out, and the one
// page that says what went wrong.
//
// A page never decides what comes next. It settles its own step, leaves its proof (a
// session, a choice, a consent) and sends the browser back to where the request came
// from; provider alone knows the order of steps. A page takes that address from the
// sealed request only. Where there is none a parameter may name a page of the account,
// and nothing else.
//
// The pages of the account (/account) are about the user who is signed in. What only the
// account's owner may do needs a proof from the last minutes; every change is told by mail.
//
// Every page works without scripts. No page reveals whether there is an account: an unknown
// name, a wrong password and a disabled account get the same answer, after the same work.
package login
