// Package api serves the JSON API and the authorization challenge endpoint: first-party apps sign
// users in with screens of their own.
//
// The table in server.go lists the operations. Each is a method in the file of its subject, made of
// an Operation of package jsonapi, which describes it, and a function that calls a use case of people.
// The types of its input and output are the reference and the OpenAPI document.
//
// An app authenticates as at the token endpoint (forApps), or sends an access token of its user
// (forPeople). It keeps in its auth_session what a browser keeps in cookies. Package provider
// implements Apps, the protocol's part. The challenge endpoint has the same steps, and ends in a code.
//
// The package reads no cookie, so that no other site can forge a call. It decides nothing about
// accounts.
package api
