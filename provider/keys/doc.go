// Package keys makes, rotates and uses the keys that sign tokens. One Ring holds the keys of all
// tenants.
//
// A key is published for a day before it signs, so that clients which cache the JWK set know it. It
// stays published for the life of the tokens that it signed after its successor has taken over.
// Replicas agree on successors by the sequence numbers of keys, which storage keeps unique. A Ring
// reads storage at most once a second for each tenant, and unseals a private key once.
//
// The package knows how a token is signed, and with which key. What a token says, and whether it is
// still valid, is decided by its callers.
package keys
