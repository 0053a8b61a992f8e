// Package fakeidp is a fake upstream provider without accounts or passwords: its page asks which
// person to sign in as. It serves the developer page as "Google (test)" and "Facebook (test)", so that
// federation can be tried without an account anywhere, and it serves tests as a provider that
// misbehaves.
//
// It speaks OpenID as Google, Apple and Microsoft do, and the APIs of Facebook, GitHub and Discord,
// as far as package internal/upstreams uses them. It checks what a provider checks: client secret,
// redirect URI, PKCE, and that a code is used once. A fault is chosen together with the person, and
// concerns that round trip only.
//
// It must be reachable only by the developer on whose machine it runs.
package fakeidp
