// Package upstream holds what is known of the providers that users come from: what a tenant may
// declare of one, what each kind of provider does, and what an answer says of a user. It makes no
// call and knows no HTTP, so that a command can check settings without a network.
//
// Package internal/upstreams asks the providers. A round trip has two halves, and what passes between
// the use cases and package internal/upstreams is here: a Request leads to the provider, an Answer comes back
// and becomes an Identity. Whose account an Identity is here, and whether its address says
// anything about that, is for package people/federation.
package upstream
