// Package tokens makes codes, access tokens, ID tokens and refresh tokens, and opens those that it
// made.
//
// A code is sealed and a refresh token is a MAC, so that neither is stored. An access token is a
// JWT or sealed, as its client is registered. Opening a token checks that it was made here for this
// issuer and that it has not expired. Whether its grant is alive is a question for storage, which
// the caller asks. The claims about a user follow from the scopes and the claims parameter, and no
// value from a user's profile can replace a claim of the protocol.
package tokens
