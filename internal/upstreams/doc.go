// Package upstreams asks upstream providers who a user is: OpenID providers by their discovery
// document, and those that have an API of their own instead (Facebook, GitHub, Discord, VK).
//
// A round trip has two halves. Caller.AuthURL returns where to send the browser; Caller.Identify
// takes what the browser came back with, redeems the code and returns whose account it is at the
// provider. Between them the use case keeps an upstream.Request, which only this browser may bring
// back, and which serves once. PKCE is always used and, with OpenID, a nonce.
//
// An upstream.Identity is what the provider says, after everything that can be checked was. The
// package keeps nothing of a user between two calls; discovery documents and keys, which it keeps,
// are the same for all users.
//
// Every call is bounded in time and size (internal/outbound), and no token, code or secret reaches
// an error.
package upstreams
