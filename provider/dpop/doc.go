// Package dpop reads proofs of possession (DPoP, RFC 9449): a JWT in the header DPoP, by which the sender of a request
// shows that it has the key that a token is bound to.
//
// A Checker reads a proof, and spends it when the rest of the request is found to be right: a proof is good for one
// request, at whichever replica. Each proof has a nonce that this server gave a few minutes ago at most, so that proofs
// cannot be made in advance, and need not be remembered for long. A nonce is the minute in which it was given, with a
// MAC: replicas share it without storing anything.
package dpop
