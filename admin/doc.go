// Package admin serves the management API of all tenants, below /api/v1 of each issuer.
//
// It has no logic of its own: an operation reads its request, calls a use case of people, clients or tenants, and
// says what came back. The table in routes.go lists the operations; the file of a subject has those about it.
// A function that returns a jsonapi.Route is one operation: its Operation says the path, the scope and what it does,
// and the types of its input and output are the reference and the OpenAPI document.
//
// The API is one of the tenant's APIs: a request brings an access token that the tenant issued for it, and nothing
// else counts (guard.go). In particular no cookie does, so that no other site can forge a request. Each operation
// names the scope that it needs. A user's token has of its scopes only those of the user's role as an
// administrator, and a client's only those that the client is still registered for.
package admin
