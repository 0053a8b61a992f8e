// Package register serves the registration endpoint, where clients register and manage themselves (RFC 7591, RFC 7592).
//
// A tenant's rule says who may register; the default is off. What registers is an outside client (storage.Outside): no
// administrator vouches for it, users are told so, it reaches only APIs that are for such clients, and it is deleted
// unless a user allows it within days.
package register
