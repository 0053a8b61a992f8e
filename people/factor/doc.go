// Package factor holds proofs that are used beside a password: one-time passwords of an
// authenticator app (TOTP, RFC 6238), and the recovery codes for when that is lost.
//
// It stores nothing and counts nothing. Its caller stores the returned value in the place of the
// earlier one only if that is still there, so that of two simultaneous uses of a code one succeeds.
// The caller also bounds how often a browser may try.
package factor
