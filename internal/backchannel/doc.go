// Package backchannel tells clients of sessions that have ended (OpenID Connect Back-Channel Logout 1.0).
//
// The change that ends a session stores of which clients that is to be told (storage.Logouts). A worker in each replica
// sends it: to each client one end after the other, in the order in which the sessions ended, and again with growing
// pauses while the client does not take it. A logout token is signed at each attempt and never stored.
package backchannel
