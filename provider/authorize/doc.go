// Package authorize serves the authorization endpoint (RFC 6749 section 3.1, OIDC Core 3.1.2). It alone
// decides what comes next on the way to a code.
//
// Authorize reads the request (authorization), asks the policy for the first check that is not settled,
// and sends the browser to the page that settles it, or to the client with a code. Between two visits
// the request travels as a sealed letter, which never changes; what was settled meanwhile is read from
// sessions and consents that are younger. Interaction tells a page which request it is about. First-party
// apps bring the same requests without a browser (AppRequest, AppCode).
//
// fosite parses the request, and calls the handler that makes the code (fosite.AuthorizeEndpointHandler);
// Handlers returns it for registration.
//
// The package never shows a page of its own, but for the form of form_post, and never decides who a user
// is. It sends no browser to an address that the client did not register.
package authorize
