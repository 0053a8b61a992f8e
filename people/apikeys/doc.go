// Package apikeys has the use cases of API keys: keys with which programs call APIs in the name of a user or of a
// client.
//
// A key is a secret for machines. It is shown once and stored as its SHA-256; it has a form and a checksum by which
// scanners find it (format.go); it always expires. It may do no more than its owner may do at this moment, and dies
// with what its owner's grants die with: the owner is disabled or removed, or the user's credentials change. Signing
// out ends no key, because no session has given it.
package apikeys
