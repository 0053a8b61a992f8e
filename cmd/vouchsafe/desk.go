package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/here"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/upkeep"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// store is the durable state of an installation.
type store = installation.Store

// withStore opens the database for a command. It migrates an embedded one, so that a newer binary works on it
// before the server was started anew. It does not migrate that of a production server, whose operator decides
// when.
func (a *app) withStore(ctx context.Context, do func(store) error) error {
	return a.withDatabase(ctx, a.openExisting, func(cfg *settings.Config, s store) error {
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
func (a *app) withDatabase(
	ctx context.Context, open func(context.Context, *settings.Config) (store, error),
	do func(*settings.Config, store) error,
) (err error) {
	cfg, err := a.config()
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

// errNoData goes on with the folder.
var errNoData = errors.New("there is no data at")

// rightFile returns the error of a command about a file that was found right. It says so where there is no database.
func rightFile(file string, err error) error {
	if errors.Is(err, errNoData) {
		return fmt.Errorf("%s has no faults, but there is no database to compare it with: %w", file, err)
	}
	return err
}

// openExisting opens the database for a command, and says which one it is. It makes none: an administrator in
// the wrong folder would see an empty list, and add users that no server knows.
func (a *app) openExisting(ctx context.Context, cfg *settings.Config) (store, error) {
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
	a.nameDatabase(cfg)
	return installation.OpenStore(ctx, cfg)
}

// nameDatabase tells the user, once, which database the command works on.
func (a *app) nameDatabase(cfg *settings.Config) {
	if a.named {
		return
	}
	a.named = true
	fmt.Fprintln(a.Err, "Database:", engine.Describe(installation.DatabaseURL(cfg)))
}

// withProvider puts a server together for a command about signing keys, which only the provider makes.
func (a *app) withProvider(ctx context.Context, do func(*server.Server) error) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(opened store) (err error) {
		s, err := server.NewProvider(ctx, cfg, logging.New(cfg.LogOptions(), a.Err), version, opened)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return do(s)
	})
}

// byCLI completes an event that a command causes.
var byCLI = audit.Actor("cli")

// record records an event of a command that no change carries.
func record(ctx context.Context, s storage.Audit, e storage.Event) error {
	return audit.Writer{Store: s}.Write(ctx, byCLI(e))
}

// accounts are the accounts of a tenant, for commands that work on the database only.
type accounts struct {
	administration.Accounts
	store store
	asker people.Asker
}

// withAccounts opens the accounts of a tenant.
func (a *app) withAccounts(ctx context.Context, tenant string, do func(accounts) error) error {
	cfg, err := a.config()
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
	return a.withStore(ctx, func(s store) error {
		asker, err := a.asker(ctx, s, tenant)
		if err != nil {
			return err
		}
		policy := installation.PasswordPolicy(cfg, roots, logging.New(cfg.LogOptions(), a.Err))
		return do(accounts{administration.Accounts{Store: s, Policy: policy, Passwords: hasher}, s, asker})
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

// withDesk opens the place where a command works. A server is named to the user, as a database is.
func (a *app) withDesk(ctx context.Context, at placeFlags, do func(desk.Desk) error) error {
	if at.Server != "" {
		d, err := a.openRemote(at)
		if err != nil {
			return err
		}
		if !a.named {
			a.named = true
			fmt.Fprintln(a.Err, "Server:", d.Issuer())
		}
		return do(d)
	}
	return a.withAccounts(ctx, at.Tenant, func(c accounts) error {
		cfg, err := a.config()
		if err != nil {
			return err
		}
		roots, err := installation.RootCAs(cfg.ExtraCAFile)
		if err != nil {
			return err
		}
		return do(&here.Desk{
			Store: c.store, Accounts: &c.Accounts, Asker: c.asker, By: byCLI, Issuer: cfg.Issuer,
			Lifetimes: keyLifetimes(cfg), Upstreams: server.UpstreamCalls(cfg, roots), Reach: server.Reach(cfg, roots),
			Counting: server.Counting(cfg),
			People:   func(ctx context.Context) (*people.Service, error) { return a.openPeople(ctx, cfg, c.store) },
			Keyring: func(ctx context.Context, do func(*keys.Ring) error) error {
				return a.withProvider(ctx, func(s *server.Server) error { return do(s.Provider.Keys) })
			},
			Finish: func(ctx context.Context, tenant, kind, id string) { a.finishRemoval(ctx, c.store, tenant, kind, id) },
		})
	})
}

// openRemote returns the desk at a server. Who asks is in the environment, because other processes can read flags.
func (a *app) openRemote(at placeFlags) (remote.Desk, error) {
	cfg, err := a.config()
	if err != nil {
		return remote.Desk{}, err
	}
	c := api.Config{Server: at.Server, Tenant: at.Tenant, Agent: "vouchsafe/" + version}
	for name, to := range map[string]*string{
		"CLIENT_ID": &c.ClientID, "CLIENT_SECRET": &c.ClientSecret, "TOKEN": &c.Token,
	} {
		if *to, err = settings.CommandVariable(a.environ, name); err != nil {
			return remote.Desk{}, err
		}
	}
	if c.RootCAs, err = installation.RootCAs(cfg.ExtraCAFile); err != nil {
		return remote.Desk{}, err
	}
	return remote.New(c)
}

// finishRemoval deletes the data of what a command has removed. If it cannot, it prints what is left: the
// removal has taken effect in any case.
func (a *app) finishRemoval(ctx context.Context, s store, tenant, kind, id string) {
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

// tellRemoved prints what was removed. name is what people call it.
func (a *app) tellRemoved(asJSON bool, tenant, kind, id, name string) error {
	if asJSON {
		return a.PrintJSON(struct {
			Removed string `json:"removed"`
			ID      string `json:"id"`
			Tenant  string `json:"tenant,omitempty"`
		}{strings.ToLower(kind), id, tenant})
	}
	if tenant == "" {
		return a.PrintSentence("Removed %s %s.", kind, name)
	}
	return a.PrintSentence("Removed %s %s from tenant %s.", kind, name, tenant)
}

// noSuch returns err; in the place of storage.ErrNotFound it returns an error that names what was not found.
func noSuch(err error, kind, name string) error {
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("there is no %s %q", kind, name)
	}
	return err
}

// hasTenant returns an error if there is no tenant with the id.
func hasTenant(ctx context.Context, s store, id string) error {
	_, err := s.Tenant(ctx, id)
	return noSuch(err, "tenant", id)
}
