// Package listeners opens the addresses at which the server is reached: TCP addresses, both of
// localhost's, Unix sockets, and TLS with a certificate that is renewed while the server runs.
package listeners
