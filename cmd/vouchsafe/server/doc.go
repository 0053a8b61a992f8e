// Package server puts the parts of Vouchsafe together and serves them.
//
// wire.go is the one place in which the protocol, the pages, the JSON API and what they stand on meet. server.go has
// what a running server holds. routing.go and listening.go are its front: routes, what protects every answer,
// connections. applied.go makes tenants and clients those of the operator's files. upkeep.go is what runs beside
// requests, and serving.go starts and stops it all.
//
// No rule of the product is here. Package main reads flags and settings.
package server
