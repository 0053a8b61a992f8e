package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/metrics"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/redis"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// store is the durable state of an installation.
type store = *sqldb.Store

// openStore opens the database, and makes the folder of an embedded one. It does not migrate.
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

// unreachable adds to the error of a database that cannot be used which setting names it.
func unreachable(cfg *settings.Config, err error) error {
	if cfg.Production() && errors.Is(err, storage.ErrUnavailable) {
		return fmt.Errorf("%w\nVOUCHSAFE_DATABASE_URL says which database: server, database and user have to be there "+
			"before the first start", err)
	}
	return err
}

// unreadable adds to the error of a file that cannot be read which setting names it.
func unreadable(setting string, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%w\nThe setting %s (%s) names it", err, setting, settings.Named(setting).Env())
	}
	return err
}

// masters returns the master secrets: those of the setting, or those that an embedded server made.
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

// openEphemeral opens the ephemeral state that all replicas share, and that of this process. Without Redis
// both are the same.
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

// withStore opens the database for a command. It migrates an embedded one, so that commands work before the
// first start, too. It does not migrate that of a production server, whose operator decides when.
func (a *app) withStore(ctx context.Context, do func(store) error) error {
	return a.withDatabase(ctx, func(cfg *settings.Config, s store) error {
		if !cfg.Production() {
			if err := s.Migrate(ctx); err != nil {
				return err
			}
		} else if err := s.Ping(ctx); err != nil {
			return fmt.Errorf("database: %w\nVOUCHSAFE_DATABASE_URL says which database. If its schema is not up to "+
				"date: vouchsafe migrate", err)
		}
		return do(s)
	})
}

// withDatabase opens the database as it is, for a command.
func (a *app) withDatabase(ctx context.Context, do func(*settings.Config, store) error) (err error) {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(cfg, s)
}

// withProvider puts a server together for a command about signing keys, which only the provider makes.
func (a *app) withProvider(ctx context.Context, do func(*server) error) (err error) {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s := &server{cfg: cfg, log: logging.New(cfg.LogOptions(), a.stderr), metrics: metrics.New(version)}
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

// record records an event of a command that no change carries.
func record(ctx context.Context, s storage.Audit, e storage.Event) error {
	return audit.Writer{Store: s}.Write(ctx, byCLI(e))
}

// openSecrets returns the master secrets, and records that the first of them seals from now on.
func openSecrets(ctx context.Context, cfg *settings.Config, s store) (*secret.Masters, error) {
	m, uses, err := checkSecrets(ctx, cfg, s)
	if err != nil {
		return nil, err
	}
	for _, print := range uses {
		if err := s.UseMasterSecret(ctx, print, time.Now()); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// checkSecrets returns the master secrets, and the fingerprints of those that must be recorded before anything
// is sealed. It returns an error if stored values depend on a secret that is missing: users would find out
// one by one, when they cannot sign in.
func checkSecrets(ctx context.Context, cfg *settings.Config, s store) (m *secret.Masters, uses []string, err error) {
	if m, err = masters(cfg); err != nil {
		return nil, nil, err
	}
	known, err := s.MasterSecrets(ctx)
	if err != nil {
		return nil, nil, err
	}
	given := m.Fingerprints()
	if missing := missingSecrets(known, given); len(missing) > 0 {
		return nil, nil, fmt.Errorf("values in the database were sealed with the master secret %s, which is not among "+
			"those given (%s): second factors, passkeys, signing keys or others could not be opened.\n"+
			"Give it too, behind the new one: VOUCHSAFE_SECRET=new,old. Then run vouchsafe secret reseal, "+
			"after which it can go.\n"+
			"If it is lost: vouchsafe secret forget %s", strings.Join(missing, " and "), strings.Join(given, ", "), missing[0])
	}
	if len(known) == 0 { // a new database, or one of a version that did not record them
		return m, given, nil
	}
	return m, given[:1], nil
}

// missingSecrets returns the fingerprints of secrets that stored values depend on and that were not given.
func missingSecrets(known []storage.MasterSecret, given []string) []string {
	var missing []string
	for _, k := range known {
		if !slices.Contains(given, k.Fingerprint) {
			missing = append(missing, k.Fingerprint)
		}
	}
	return missing
}

// desk is where an administrator works at the command line: at the accounts of a tenant.
type desk struct {
	administration.Accounts
	store store
	asker people.Asker
}

// withAccounts opens the accounts of a tenant.
func (a *app) withAccounts(ctx context.Context, tenant string, do func(desk) error) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	roots, err := rootCAs(cfg.ExtraCAFile)
	if err != nil {
		return err
	}
	hasher, err := newHasher(cfg)
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(s store) error {
		asker, err := a.asker(ctx, s, tenant)
		if err != nil {
			return err
		}
		policy := passwordPolicy(cfg, roots, logging.New(cfg.LogOptions(), a.stderr))
		return do(desk{administration.Accounts{Store: s, Policy: policy, Passwords: hasher}, s, asker})
	})
}

// asker returns the administrator at the command line as the asker for a tenant.
func (a *app) asker(ctx context.Context, s store, tenant string) (people.Asker, error) {
	cfg, err := a.config()
	if err != nil {
		return people.Asker{}, err
	}
	t, err := s.Tenant(ctx, tenant)
	return people.Asker{
		Tenant: &issuer.Tenant{Tenant: t, Issuer: tenants.Issuer(cfg.Issuer, t)},
		Actor:  people.ActorCommand,
	}, noSuch(err, "tenant", tenant)
}

// openPeople returns the use cases of package people for a command. Servers send the mails that it stores.
func (a *app) openPeople(ctx context.Context, cfg *settings.Config, s store) (*people.Service, error) {
	secrets, err := openSecrets(ctx, cfg, s)
	if err != nil {
		return nil, err
	}
	templates, err := mail.LoadTemplates(cfg.MailTemplates)
	if err != nil {
		return nil, err
	}
	hasher, err := newHasher(cfg)
	if err != nil {
		return nil, err
	}
	log, own := logging.New(cfg.LogOptions(), a.stderr), memory.New()
	return people.New(people.Service{
		Store: s, Secrets: secrets, Mail: &mail.Mailer{Secrets: secrets, Templates: templates}, Passwords: hasher,
		Limits: &limit.Limiter{Shared: own, Local: own, Log: log}, Log: log,
		Words: wordsIn,
	})
}
