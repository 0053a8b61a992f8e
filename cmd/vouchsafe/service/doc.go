// Package service has the commands about the server itself: serve, server, migrate, restored, healthcheck, config and
// gateway.
package service
