// Package provider speaks the protocol: OAuth 2.1 and OpenID Connect. The table of endpoints
// (table.go) says what is served where; the packages below serve it, but for the documents of
// discovery and the JWK set, which are here.
//
// fosite is the engine, and provider and the packages below alone import it. It parses requests,
// asks who the client is and runs the handlers. The handlers are ours, behind fosite's own
// interfaces: for each of fosite's there is a reason in ARCHITECTURE.md, and a test that shows its
// defect (TestDefectsOfFosite). Packages oauth and authorize write the answers.
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
// The request travels as a sealed letter while a user signs in, and the code is a sealed letter
// too: no grant is stored until a code is redeemed. Tokens name their grant, and stop working when
// it is revoked.
//
// The package never shows a page of its own and never authenticates a user: it sends
// browsers to pages, and reads the sessions and consents that those leave.
package provider
