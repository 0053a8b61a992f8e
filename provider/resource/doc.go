// Package resource serves the endpoints that are shown a token: userinfo, introspection and
// revocation.
//
// A Server is fosite's TokenIntrospector and its RevocationHandler. Each endpoint reads the token once
// and asks storage one question: whether its grant lives, or to end it.
// What is wrong with a token is told to the log alone; the answer is the same for all reasons.
package resource
