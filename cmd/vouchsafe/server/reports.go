package server

import (
	"context"
	"log/slog"
	"sync"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/sentry"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// reporter returns what sends error reports, or nil if there is no address for them.
func reporter(cfg *settings.Config, log *slog.Logger, version string) (*sentry.Reporter, error) {
	if cfg.SentryDSN == "" {
		return nil, nil
	}
	dsn, err := sentry.ParseDSN(string(cfg.SentryDSN))
	if err != nil {
		return nil, err
	}
	roots, err := installation.RootCAs(cfg.ExtraCAFile)
	if err != nil {
		return nil, err
	}
	environment := "production"
	if cfg.InDevelopment() {
		environment = "development"
	}
	return sentry.New(sentry.Config{
		DSN: dsn, Version: version, Environment: environment, Client: installation.OperatorsClient(roots), Log: log,
	}), nil
}

// runBeside runs work until the returned function is called, which waits for its end.
func runBeside(work func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { work(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}
