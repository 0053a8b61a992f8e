// Package federation holds the use cases about identities that users have at upstream providers:
// to sign in with one, to bring one from an app, to link one to an account and to unlink it. It
// stands beside package people, is written by the same rules, and builds on its Service.
//
// # How a user comes from a provider
//
// Depart returns where to send the browser, and seals a Trip as the state that the provider gives
// back. OpenTrip opens the state in the browser that began the trip; Return spends it and asks the
// provider who came. Arrive finds or makes the account of that identity. An app skips the trip: it
// brings a token, and Vouch does the rest.
//
// # Whose account an identity is
//
// An identity that is linked is its owner's. An address alone never makes an identity that of an
// existing account: only the owner of the account can link it, or a provider that the tenant has
// declared to have the last word about the address. A user who has to prove something first is a
// Stranger. It waits, sealed, in the browser's cookie or in the code of a mail: SendCode
// and Confirm prove its address, Link proves the account that has the address.
package federation
