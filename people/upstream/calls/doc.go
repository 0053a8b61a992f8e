// Package calls asks other providers who somebody is: OpenID providers by their
// discovery document, and those that have an API of their own instead (Facebook, GitHub,
// Discord).
//
// A round trip has two halves. AuthURL says where to send the browser; Identify takes
// what it came back with, redeems the code and says whose account it is there. Between
// them the caller keeps a Request, which nobody but this browser may bring back, and
// which serves once. PKCE is always used and, with OpenID, a nonce.
//
// An Identity is what the provider says, after everything that can be checked was. Whose
// account it is here, and whether an address says anything about that, is for package
// login. Nothing here is kept between two people: a Provider holds no state of a round
// trip, and what Providers share is read-only.
//
// Every call out is bounded in time and size (internal/outbound), and no token, code or
// secret reaches an error.
package calls
