// Package clientauth finds out which client a request comes from: by a secret, by an assertion that
// the client signed, or, for clients without credentials, by their id alone.
//
// Authenticator.Authenticate is fosite's ClientAuthenticationStrategy. It stands in for fosite's
// own, which takes several methods at once, compares secrets by bcrypt each time, and answers an
// assertion that has expired with 500 (see ARCHITECTURE.md).
//
// Credentials that are right and quick to check are never counted, so that no stranger can lock a
// client out. Nothing of what a client sent as a secret reaches an error or the log.
package clientauth
