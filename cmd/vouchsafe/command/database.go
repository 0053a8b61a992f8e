package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/upkeep"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// WithStore opens the database for a command. It migrates an embedded one, so that a newer binary works on it
// before the server was started anew. It does not migrate that of a production server, whose operator decides
// when.
func (a *App) WithStore(ctx context.Context, do func(installation.Store) error) error {
	return a.WithDatabase(ctx, a.openExisting, func(cfg *settings.Config, s installation.Store) error {
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

// WithDatabase opens the database as it is, for a command.
func (a *App) WithDatabase(
	ctx context.Context, open func(context.Context, *settings.Config) (installation.Store, error),
	do func(*settings.Config, installation.Store) error,
) (err error) {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	s, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(cfg, s)
}

// openExisting opens the database for a command, and says which one it is. It makes none: an administrator in
// the wrong folder would see an empty list, and add users that no server knows.
func (a *App) openExisting(ctx context.Context, cfg *settings.Config) (installation.Store, error) {
	if !cfg.Production() {
		holds, err := datadir.Dir(cfg.Data).Holds()
		if err != nil {
			return nil, err
		}
		if !holds {
			return nil, fmt.Errorf("%w %s\nRun the command in the folder where the server runs, or name "+
				"the data folder of the server with --data or VOUCHSAFE_DATA.\nIf the server uses PostgreSQL, set "+
				"VOUCHSAFE_DATABASE_URL. To make a new database: vouchsafe migrate", errNoData, datadir.Dir(cfg.Data).Absolute())
		}
	}
	a.NameDatabase(cfg)
	return installation.OpenStore(ctx, cfg)
}

// NameDatabase tells the user, once, which database the command works on.
func (a *App) NameDatabase(cfg *settings.Config) {
	if a.named {
		return
	}
	a.named = true
	fmt.Fprintln(a.Err, "Database:", engine.Describe(installation.DatabaseURL(cfg)))
}

// withProvider puts a server together for a command about signing keys, which only the provider makes.
func (a *App) withProvider(ctx context.Context, do func(*server.Server) error) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	return a.WithStore(ctx, func(opened installation.Store) (err error) {
		s, err := server.NewProvider(ctx, cfg, logging.New(cfg.LogOptions(), a.Err), a.Version, opened)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return do(s)
	})
}

// ByCLI completes an event that a command causes.
var ByCLI = audit.Actor("cli")

// Record records an event of a command that no change carries.
func Record(ctx context.Context, s storage.Audit, e storage.Event) error {
	return audit.Writer{Store: s}.Write(ctx, ByCLI(e))
}

// accounts are the accounts of a tenant, for commands that work on the database only.
type accounts struct {
	administration.Accounts
	store installation.Store
	asker people.Asker
}

// withAccounts opens the accounts of a tenant.
func (a *App) withAccounts(ctx context.Context, tenant string, do func(accounts) error) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	roots, err := installation.RootCAs(cfg.ExtraCAFile)
	if err != nil {
		return err
	}
	hasher, err := installation.Hasher(cfg)
	if err != nil {
		return err
	}
	return a.WithStore(ctx, func(s installation.Store) error {
		asker, err := a.Asker(ctx, s, tenant)
		if err != nil {
			return err
		}
		policy := installation.PasswordPolicy(cfg, roots, logging.New(cfg.LogOptions(), a.Err))
		named := func(ctx context.Context) (*pairwise.Service, error) {
			secrets, err := installation.OpenSecrets(ctx, cfg, s)
			return &pairwise.Service{Store: s, Secrets: secrets}, err
		}
		return do(accounts{
			administration.Accounts{Store: s, Policy: policy, Passwords: hasher, Pairwise: named}, s, asker,
		})
	})
}

// Asker returns the administrator at the command line as the asker for a tenant.
func (a *App) Asker(ctx context.Context, s installation.Store, tenant string) (people.Asker, error) {
	cfg, err := a.Config()
	if err != nil {
		return people.Asker{}, err
	}
	t, err := s.Tenant(ctx, tenant)
	return people.Asker{
		Tenant: &issuer.Tenant{Tenant: t, Issuer: tenants.Issuer(cfg.Issuer, t)},
		Actor:  people.ActorCommand,
	}, NoSuch(err, "tenant", tenant)
}

// openPeople returns the use cases of package people for a command. Servers send the mails that it stores.
func (a *App) openPeople(ctx context.Context, cfg *settings.Config, s installation.Store) (*people.Service, error) {
	secrets, err := installation.OpenSecrets(ctx, cfg, s)
	if err != nil {
		return nil, err
	}
	templates, err := mail.LoadTemplates(cfg.MailTemplates)
	if err != nil {
		return nil, err
	}
	hasher, err := installation.Hasher(cfg)
	if err != nil {
		return nil, err
	}
	log, own := logging.New(cfg.LogOptions(), a.Err), memory.New()
	mailer := &mail.Mailer{Secrets: secrets, Templates: templates}
	if cfg.SMTPURL != "" || cfg.HasPlayground() {
		mailer.Wake = func() {} // servers look for new mails on their own
	}
	return people.New(people.Service{
		Store: s, Secrets: secrets, Mail: mailer, Passwords: hasher,
		Limits: &limit.Limiter{Shared: own, Local: own, Log: log}, Log: log,
		Words: server.WordsIn,
	})
}

// finishRemoval deletes the data of what a command has removed. If it cannot, it prints what is left: the
// removal has taken effect in any case.
func (a *App) finishRemoval(ctx context.Context, s installation.Store, tenant, kind, id string) {
	p := a.Progress(0)
	rows, err := upkeep.Finish(ctx, s, tenant, kind, id, func(rows int64) {
		p.Show(0, fmt.Sprintf("%d rows of its data are removed", rows))
	})
	p.Clear()
	if err != nil {
		fmt.Fprintf(a.Err, "The %s is removed and can no longer be used. %d rows of its data are deleted; "+
			"servers will delete the rest. (%v)\n", kind, rows, err)
	}
}
