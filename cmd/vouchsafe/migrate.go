package main

import (
	"context"
	"errors"
	"fmt"
)

type migrateCmd struct{}

func (c *migrateCmd) Run(ctx context.Context, a *app) (err error) {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Migrate(ctx); err != nil {
		return unreachable(cfg, err)
	}
	fmt.Fprintln(a.stdout, "The database's schema is up to date.")
	return nil
}
