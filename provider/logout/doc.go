// Package logout ends a session because a client asks for it (OpenID Connect RP-Initiated Logout
// 1.0).
//
// A hint that only the session's own client can have ends the session at once. Any other request
// waits for the user's word: it is sealed, as an authorization request is, and goes to the page
// that asks. The browser is sent back to addresses that the client registered, and to no others.
package logout
