// Package provider speaks the protocol: OAuth 2.1 and OpenID Connect. It is the only
// importer of fosite, which parses requests, keeps the loop of handlers and writes
// answers; where one of fosite's own handlers is at fault (see ARCHITECTURE.md), ours
// stands behind the same interface.
//
// The life of an authorization:
//
//	GET /authorize ──▶ parse ──▶ policy: what is not settled yet?
//	      ▲                          │                    │ nothing
//	      │                    seal the request           ▼
//	      │                          │              seal a code ──▶ client
//	      │                          ▼                                │
//	      └──────────────── the page that settles it            POST /token
//	                        (package login)                           │
//	                                              one INSERT: the grant ──▶ tokens
//
// The request travels as a sealed letter while a person signs in, and the code is a
// sealed letter too: nothing is stored until a code is redeemed. The grant is then
// what everything hangs on; tokens name it, and are dead when it is revoked.
//
// The package never shows a page of its own and never decides who somebody is: it
// sends browsers to pages and reads sessions and consents.
package provider
