// Package passkey asks browsers for passkeys (WebAuthn Level 3) and checks what they
// answer, on top of go-webauthn.
//
// A ceremony has two halves. The first makes a Challenge: options that the page hands to
// the browser, and a sealed state that comes back with the answer. Nothing is stored in
// between: the state holds the challenge, what it is for, whom it is for and when it
// lapses, and opens only in the browser that it was made for. The second half opens the
// state and judges the answer; its caller spends Once with the change that follows, so
// that an answer works once.
//
// Whom an answer names is public, and proves nothing before Verify has said so. Whatever
// is wrong with an answer is ErrWrong, so that nobody can tell an unknown passkey from a
// wrong signature.
package passkey
