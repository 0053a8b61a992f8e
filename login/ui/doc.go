// Package ui renders the pages that users see: layout, templates, stylesheet, forms, the one error
// page and a tenant's brand. Package login and the packages below it decide what a page shows.
//
// Pages is made first, from nothing but a log, because the protocol and the edge of the server
// show their errors with it. Site adds what exists only once the protocol does: how to open the
// authorization request that a page carries as i. Its methods Page, Form and Foreign wrap every
// handler of a page: they set headers, refuse forms of other sites and follow a Detour.
//
// Every page works without scripts. The package stores nothing and never decides who a user is.
package ui
