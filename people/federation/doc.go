// Package federation holds the use cases about identities that users have at upstream providers:
// a user signs in with one, an app brings a token of one, a new user links one to an account. It
// follows the rules of package people and embeds its Service, whose LinkIdentity and UnlinkIdentity
// are for users who are signed in.
//
// # How a user comes from a provider
//
// Depart returns where to send the browser, and seals a Trip as the state that the provider gives
// back. OpenTrip opens the state in the browser that began the trip; Return spends it and asks the
// provider who came. Arrive finds or makes the account of that identity. An app skips the trip: it
// brings a token of the provider to SignInByToken or SignUpByToken.
//
// # Whose account an identity is
//
// An identity that is linked is its owner's. An address alone never makes an identity that of an
// existing account: only the owner of the account can link it, or a provider that the tenant has
// declared authoritative for the address's domain. A user who has to prove something first is a
// Stranger, sealed in a cookie of the browser or in the code of a mail. SendCode and Confirm prove
// the address of a Stranger. LinkStranger links the identity once its user has signed in to the
// account that has the address.
package federation
