// Package backendauth serves the routes of secret-tech/backend-auth, so that an app that was written for it finds
// Vouchsafe in its place. It is a door to the same users: an account that is made here signs in on the pages of its
// tenant, and the other way round.
//
// The door reads a request, calls a use case of people/tenantapp, and answers in the form that such apps expect. All
// routes are for the servers of apps. They carry no cookies, and what browsers send along by themselves opens nothing.
package backendauth
