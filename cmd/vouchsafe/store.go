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
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/metrics"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/redis"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/tenants"
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

// record records what a command did where no change carries the event.
func record(ctx context.Context, s storage.Audit, e storage.Event) error {
	return audit.Writer{Store: s}.Write(ctx, byCLI(e))
}

// openSecrets reads the master secrets and says that the first of them seals from now on.
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

// checkSecrets reads the master secrets, and says which of them are to be noted in the
// database before anything is sealed. It refuses when stored values hang on one that is
// missing: a server that started without would fail people one by one.
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
		return nil, nil, fmt.Errorf("values in the database were sealed with the master secret %s, which is not among those given (%s): second factors, passkeys, signing keys or others could not be opened.\n"+
			"Give it too, behind the new one: VOUCHSAFE_SECRET=new,old. Then run vouchsafe secret reseal, after which it can go.\n"+
			"If it is lost: vouchsafe secret forget %s", strings.Join(missing, " and "), strings.Join(given, ", "), missing[0])
	}
	if len(known) == 0 { // an empty database, or one of a version that kept no account of secrets
		return m, given, nil
	}
	return m, given[:1], nil
}

// missingSecrets are the fingerprints on which values hang and that were not given.
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
		asker, err := commandAsker(ctx, cfg, s, tenant)
		if err != nil {
			return err
		}
		policy := passwordPolicy(cfg, roots, logging.New(cfg.LogOptions(), a.stderr))
		return do(desk{administration.Accounts{Store: s, Policy: policy, Passwords: hasher}, s, asker})
	})
}

// commandAsker returns the administrator at the command line as the asker for a tenant.
func commandAsker(ctx context.Context, cfg *settings.Config, s store, tenant string) (people.Asker, error) {
	t, err := s.Tenant(ctx, tenant)
	return people.Asker{
		Tenant: &web.Tenant{Tenant: t, Issuer: tenants.Issuer(cfg.Issuer, t)},
		Actor:  people.ActorCommand, Known: people.KnowsNothing,
	}, noSuch(err, "tenant", tenant)
}

// openPeople returns the use cases for a command, which waits for no limit and sends nothing itself: servers
// send what it stores.
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
		Words: func(language string) people.Words { return texts.In(language) },
	})
}
