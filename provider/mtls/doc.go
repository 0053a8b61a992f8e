// Package mtls knows clients by the certificates that they present in TLS (RFC 8705): as their authentication, and as
// the holders of access tokens that are bound to a certificate.
package mtls
