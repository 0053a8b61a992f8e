// Package gateway answers proxies that ask whether a request may pass to an app: nginx's auth_request, ForwardAuth of
// Traefik, forward_auth of Caddy, ext_authz of Envoy, and HAProxy by a script. Apps then need no sign-in of their own.
//
// A check names the proxy's entry, whose form says which of its headers describe the request that is checked
// (forms.go). Only trusted proxies may ask, and never at a host at which users reach the server. Package rules has
// what decides: the first rule that matches.
//
// A browser that has to sign in is sent to the authorization endpoint, with the gateway as a client of the tenant
// (client.go), and comes back to a path below /.vouchsafe/ of the app's own host (trip.go). There it gets a cookie
// for that host alone, which names a grant (session.go). The predicate that decides whether grants live therefore
// ends it: with a sign-out, with a disabled account, with a revoked grant. A session of the issuer's own would not
// do: its cookie is __Host-, and a domain cookie that all apps receive could be used by each of them at all others.
//
// What the app is told goes into headers that are safe to write (identity.go), and into a signed token that lives
// for a minute (token.go). The proxy must overwrite what a browser sent under these names; a check that still has
// one of them is refused.
package gateway
