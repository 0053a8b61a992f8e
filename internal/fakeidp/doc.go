// Package fakeidp is a provider to sign in from that knows nobody and asks for nothing:
// whoever comes says who they are there. It serves the developer page as "fake Google"
// and "fake Facebook", so that federation can be tried with no account anywhere, and the
// tests as a provider that misbehaves.
//
// It speaks OpenID as Google, Apple and Microsoft do, and the APIs of Facebook, GitHub
// and Discord, as far as package people/upstream asks for them, and holds its client to
// the rules: secret, redirect URI, PKCE, a code once. What a round trip is to do wrong
// is chosen with the person, and concerns that round trip alone.
//
// It must never be reachable by anybody but the developer at whose machine it runs.
package fakeidp
