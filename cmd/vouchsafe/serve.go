package main

import (
	"context"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/internal/logging"
)

// serveCmd runs the server.
type serveCmd struct{}

// Run serves until the context ends, then stops without dropping a request.
func (c *serveCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return server.Run(ctx, cfg, version, a.stdout, a.stderr)
}

// routesCmd prints what the public listener serves below a tenant's issuer. Tests read it, so that they forget no
// route; it has no other use.
type routesCmd struct{}

// Run puts a server together as serve does, and serves nothing.
func (c *routesCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := server.New(ctx, cfg, logging.New(cfg.LogOptions(), a.stderr), version)
	if err != nil {
		return err
	}
	err = s.PrintRoutes(a.stdout)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}
