// Package keratin serves the routes of Keratin AuthN, so that an app that was written for it finds Vouchsafe in its
// place. It is a door to the same users: an account that is made here signs in on the pages of Vouchsafe, and the other
// way round.
//
// The door reads a request, calls a use case of people/delegated, and answers in the form that apps of Keratin AuthN
// expect: an envelope of JSON with fixed words for what is wrong. What it must keep is in ARCHITECTURE.md: numbers as
// ids, one opaque cookie, tokens for the origin that asks.
//
// Public routes are called by scripts of the app's pages. They carry a cookie, and so only pages of the app's own
// domains may call them: browsers say where a request comes from. Private routes are called by the app's server, with a
// password. They must never answer to a cookie, and public ones never to that password.
package keratin
