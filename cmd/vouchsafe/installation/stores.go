// Package installation opens what the settings name: the database, the ephemeral state, the master secrets, the
// data folder of an embedded server, and what passwords and mails go through. The server and the commands use it.
package installation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/internal/reseal"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/redis"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// Store is the durable state of an installation.
type Store = *sqldb.Store

// OpenStore opens the database, and makes the folder and the file of an embedded one. It does not migrate.
func OpenStore(ctx context.Context, cfg *settings.Config) (Store, error) {
	if !cfg.Production() {
		if err := datadir.Dir(cfg.Data).Prepare(); err != nil {
			return nil, err
		}
	}
	return sqldb.Open(ctx, DatabaseURL(cfg))
}

// DatabaseURL returns the URL of the database of the settings.
func DatabaseURL(cfg *settings.Config) string {
	if cfg.Production() {
		return string(cfg.DatabaseURL)
	}
	return "sqlite:" + datadir.Dir(cfg.Data).Database()
}

// LockData takes the data folder of an embedded server. In production there is nothing to lock.
func LockData(ctx context.Context, cfg *settings.Config, log *slog.Logger) (*datadir.Lock, error) {
	l := datadir.NewLock(datadir.Dir(cfg.Data), log)
	if cfg.Production() {
		return l, nil
	}
	return l, l.Take(ctx, cfg.Issuer)
}

// Unreachable adds to the error of a database that cannot be used which setting names it.
func Unreachable(cfg *settings.Config, err error) error {
	if cfg.Production() && errors.Is(err, storage.ErrUnavailable) {
		return fmt.Errorf("%w\nVOUCHSAFE_DATABASE_URL says which database: server, database and user have to be there "+
			"before the first start", err)
	}
	return err
}

// Unreadable adds to the error of a file that cannot be read which setting names it.
func Unreadable(setting string, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%w\nThe setting %s (%s) names it", err, setting, settings.Named(setting).Env())
	}
	return err
}

// Masters returns the master secrets: those of the setting, or those that an embedded server made.
func Masters(cfg *settings.Config) (*secret.Masters, error) {
	if cfg.Secret != "" {
		return secret.Parse(string(cfg.Secret))
	}
	s, err := datadir.Dir(cfg.Data).MasterSecret()
	if err != nil {
		return nil, err
	}
	return secret.Parse(s)
}

// OpenEphemeral opens the ephemeral state that all replicas share, and that of this process. Without Redis
// both are the same.
func OpenEphemeral(cfg *settings.Config) (shared, local ephemeral.Store, closed func() error, err error) {
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

// OpenSecrets returns the master secrets, and records that the first of them seals from now on.
func OpenSecrets(ctx context.Context, cfg *settings.Config, s Store) (*secret.Masters, error) {
	m, err := Masters(cfg)
	if err != nil {
		return nil, err
	}
	return m, remedied(reseal.Begin(ctx, s, m.Fingerprints()))
}

// CheckSecrets is OpenSecrets for commands that seal nothing: it records nothing.
func CheckSecrets(ctx context.Context, cfg *settings.Config, s Store) (*secret.Masters, error) {
	m, err := Masters(cfg)
	if err != nil {
		return nil, err
	}
	_, err = reseal.Check(ctx, s, m.Fingerprints())
	return m, remedied(err)
}

// remedied adds to the error of a missing master secret what the operator can do.
func remedied(err error) error {
	if missing, ok := errors.AsType[*reseal.MissingError](err); ok {
		return fmt.Errorf("%w: second factors, passkeys, signing keys or others could not be opened.\n"+
			"Give it too, behind the new one: VOUCHSAFE_SECRET=new,old. Then run vouchsafe secret reseal, "+
			"after which it can go.\n"+
			"If it is lost: vouchsafe secret forget %s", err, missing.Fingerprints[0])
	}
	return err
}
