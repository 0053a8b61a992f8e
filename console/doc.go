// Package console serves the console, in which administrators manage a tenant in a browser, below /admin of each
// issuer. It is the frame: who may open what, the layout, forms, lists and notices. The packages below it are the
// places, such as people: each returns a Part, which is its rows of the table of pages and its templates.
//
// A page has no logic of its own: it reads its request, calls the use case of people, clients or tenants that the
// management API calls, and says what came back. It never calls the API, and no page holds a token: an administrator is
// signed in by the session that the other pages know, and may do what the role's scopes allow, as in the API.
//
// Everything works without JavaScript. Every POST ends in a redirect. What hurts has a page of its own, which says
// beforehand what will happen, and needs a proof that is no older than people.Freshness.
package console
