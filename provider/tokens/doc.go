// Package tokens makes codes, access tokens, ID tokens and refresh tokens, and opens those that it
// made.
//
// A code is sealed and a refresh token is a MAC, so that neither is stored. An access token is a
// JWT or sealed, as its client wants it. Opening one checks what it says by itself: that it was
// made here, for this issuer, and its time. Whether its grant lives is a question for storage, and
// the caller's. What a token says of a user comes from the claims that its scopes and the claims
// parameter ask for; nothing of a user's can replace a claim of the protocol.
package tokens
