// Package passkey asks browsers for passkeys (WebAuthn Level 3) and checks their answers, on top of
// go-webauthn.
//
// A ceremony has two halves. The first makes a Challenge: options that the page passes to the
// browser, and a sealed state that comes back with the answer. The server stores nothing in
// between. The state contains the challenge, its purpose, its user and its expiry, and it opens
// only for the browser that it was made for. The second half opens the state and checks the answer.
// The caller spends Once in the change that follows, so that an answer works once.
//
// The user that an answer names is public information, and proves nothing before Verify has
// succeeded. Every fault of an answer is ErrWrong, so that an attacker cannot tell an unknown
// passkey from a wrong signature.
package passkey
