package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/redis"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// store is all that an installation keeps for good.
type store = *sqldb.Store

// openStore opens the database, and makes its folder when it is embedded. It does not
// migrate.
func openStore(ctx context.Context, cfg *settings.Config) (store, error) {
	if cfg.Production() {
		return sqldb.Open(ctx, string(cfg.DatabaseURL))
	}
	dir := datadir.Dir(cfg.Data)
	if err := dir.Prepare(); err != nil {
		return nil, err
	}
	return sqldb.Open(ctx, "sqlite:"+dir.Database())
}

// lockData takes the data folder of an embedded server. In production there is nothing to lock.
func lockData(ctx context.Context, cfg *settings.Config, log *slog.Logger) (*datadir.Lock, error) {
	l := datadir.NewLock(datadir.Dir(cfg.Data), log)
	if cfg.Production() {
		return l, nil
	}
	return l, l.Take(ctx, cfg.Issuer)
}

// unreachable says of a database that cannot be used which setting is to be looked at.
func unreachable(cfg *settings.Config, err error) error {
	if cfg.Production() && errors.Is(err, storage.ErrUnavailable) {
		return fmt.Errorf("%w\nVOUCHSAFE_DATABASE_URL says which database: server, database and user have to be there before the first start", err)
	}
	return err
}

// unreadable says of a file that cannot be read which setting named it.
func unreadable(setting string, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%w\nThe setting %s (%s) names it", err, setting, settings.Named(setting).Env())
	}
	return err
}

// masters are the master secrets: the setting's, or those that an embedded server made.
func masters(cfg *settings.Config) (*secret.Masters, error) {
	if cfg.Secret != "" {
		return secret.Parse(string(cfg.Secret))
	}
	s, err := datadir.Dir(cfg.Data).MasterSecret()
	if err != nil {
		return nil, err
	}
	return secret.Parse(s)
}

// openEphemeral opens what all replicas share for a while, and what this process keeps
// for itself. Without Redis both are in this process, and one.
func openEphemeral(cfg *settings.Config) (shared, local storage.Ephemeral, closed func() error, err error) {
	own := memory.New()
	if cfg.RedisURL == "" {
		return own, own, func() error { return nil }, nil
	}
	r, err := redis.Open(string(cfg.RedisURL))
	if err != nil {
		return nil, nil, nil, err
	}
	return r, own, r.Close, nil
}

// withStore opens the database for a command. An embedded one is brought up to date, so
// that commands work before the first start too; a production one is not: that is for
// its operator to say.
func (a *app) withStore(ctx context.Context, do func(store) error) (err error) {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if !cfg.Production() {
		if err := s.Migrate(ctx); err != nil {
			return err
		}
	} else if err := s.Ping(ctx); err != nil {
		return fmt.Errorf("database: %w\nVOUCHSAFE_DATABASE_URL says which database. If its schema is not up to date: vouchsafe migrate", err)
	}
	return do(s)
}

// withProvider makes the protocol's part for a command: keys are sealed, and numbered,
// by it alone.
func (a *app) withProvider(ctx context.Context, do func(*server) error) (err error) {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s := &server{cfg: cfg, log: logging.New(cfg.LogOptions(), a.stderr), metrics: newMetrics()}
	defer func() { err = errors.Join(err, s.Close()) }()
	shared, local, err := s.open(ctx)
	if err != nil {
		return unreachable(cfg, err)
	}
	if err := s.wire(shared, local); err != nil {
		return err
	}
	return do(s)
}

// byCLI completes an event that a command causes.
var byCLI = audit.Actor("cli")

// record records what a command did where no change carries the event.
func record(ctx context.Context, s storage.Audit, e storage.Event) error {
	return audit.Writer{Store: s}.Write(ctx, byCLI(e))
}
