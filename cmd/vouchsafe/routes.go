package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/logging"
)

// routesCmd prints what the public listener serves below a tenant's issuer: a line for
// each route, with its methods when it has any. Tests go by it, so that no route is
// forgotten; nobody else needs it.
type routesCmd struct{}

// Run wires a server as serve does, and serves nothing.
func (c *routesCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := newServer(ctx, cfg, logging.New(cfg.LogOptions(), a.stderr))
	if err != nil {
		return err
	}
	err = s.routes().Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return fmt.Errorf("a route without a path: %w", err)
		}
		methods, err := route.GetMethods()
		if err != nil { // it takes any, and decides by itself
			methods = []string{"*"}
		}
		_, err = fmt.Fprintln(a.stdout, path, strings.Join(methods, " "))
		return err
	})
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}
