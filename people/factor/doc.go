// Package factor holds what proves a person beside their password: one-time passwords
// of an app (TOTP, RFC 6238), and the recovery codes for when that is lost.
//
// It keeps nothing and counts nothing. Its caller stores what it gives in place of what it
// was given, only if that is still there, so that of two uses of a code one succeeds, and
// bounds how often a browser may try.
package factor
