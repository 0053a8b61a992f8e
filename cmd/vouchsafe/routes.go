package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/logging"
)

// routesCmd prints what the public listener serves below a tenant's issuer: a line for
// each route, with its methods when it has any, and with the rest of the row for an endpoint of the
// protocol. Tests read it, so that they forget no route; it has no other use.
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
		row := ""
		if e := s.provider.Endpoint(path); e != nil {
			methods, row = e.Methods, fmt.Sprintf(" metadata=%s scripts=%s clients=%s", e.Metadata, e.Scripts, strings.Join(e.Clients, ","))
		}
		_, err = fmt.Fprintln(a.stdout, path, strings.Join(methods, ",")+row)
		return err
	})
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}
