// Package acting holds the use cases of administrators who sign in as a user, to see what the user sees.
//
// A tenant has to switch it on. What an administrator does so is never mistaken for what the user does: the session is
// stored with its administrator and a reason (storage.Act), browsers hold its secret apart from all others, tokens
// name the administrator (the claim act, RFC 8693 section 4.1), and no use case that changes an account or proves one
// takes such a session.
//
// # Why a link is safe
//
// The management API and the command make a Ticket: a link that fills in the form of the page. It opens nothing by
// itself. The page asks the administrator in the ticket to have signed in within the last minutes in that very
// browser, checks everything again, and waits for a click. Therefore a ticket that leaks is worth nothing to others, a
// link that is planted in another browser opens nothing there, and a ticket that was used is spent.
package acting
