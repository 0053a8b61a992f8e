// Package token serves the token endpoint (RFC 6749 section 3.2): it gives tokens for codes, for
// refresh tokens, and to clients for themselves.
//
// fosite authenticates the client and calls the handler of the grant type. Each grant type is a
// fosite.TokenEndpointHandler of its own; Handlers returns them for registration. A handler first
// checks what was presented, which travels from one call to the next as fosite's session
// (tokenRequest), and then writes tokens to fosite's responder. The JSON API gets its tokens from
// the same grant types, without a code.
//
// A grant type fetches the keys that will sign before it changes anything, so that nothing can fail
// between its one write and the answer. The package never tells a client why a code or a refresh
// token does not work: the log knows.
package token
