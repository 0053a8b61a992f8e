// Package clientauth authenticates the client that sends a request: by a secret, by an assertion
// that the client signed, or, for public clients, by the id alone.
//
// fosite calls Authenticator.Authenticate as its ClientAuthenticationStrategy. It replaces fosite's
// own, which accepts several methods at once, compares secrets by bcrypt every time, and answers an
// expired assertion with status 500 (see ARCHITECTURE.md).
//
// Credentials that are right and quick to check are never counted, so that an attacker cannot lock
// a client out. No part of a secret that a client sent reaches an error or the log.
package clientauth
