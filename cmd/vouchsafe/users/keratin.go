package users

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/exports"
	"github.com/vouchsafe/vouchsafe/people/importing/keratindb"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ImportCmd has the imports that read another product's database.
type ImportCmd struct {
	Keratin keratinImportCmd `cmd:"" help:"Import the accounts of Keratin AuthN from its database."`
}

// keratinImportCmd adds the accounts of a database of Keratin AuthN.
type keratinImportCmd struct {
	DatabaseURL string            `name:"database-url" help:"The database of Keratin AuthN, as its DATABASE_URL: sqlite3://…, postgres://… or mysql://…. The variable KERATIN_DATABASE_URL says the same, and keeps a password out of lists of processes." placeholder:"URL"`
	Upstream    map[string]string `mapsep:"none" help:"The tenant's upstream that Keratin AuthN calls THEIRS, where the command cannot tell. Repeatable." placeholder:"THEIRS=ID"`
	Confirmed   bool              `help:"The app has confirmed the email addresses of all accounts: they are imported as verified."`
	WithoutTOTP bool              `name:"without-totp" help:"Import accounts without their authenticator apps, if SECRET_KEY_BASE is lost. A password is then enough to sign in."`
	DryRun      bool              `help:"Report what would be imported and what would not, and change nothing."`
	Report      string            `type:"path" help:"Write each account, or part of one, that is not imported, and the reason, as JSON lines." placeholder:"FILE"`
	command.TenantFlag
	command.JSONFlag
}

// Help is printed after the flags.
func (c *keratinImportCmd) Help() string {
	return `Accounts keep their ids, passwords, locks, linked accounts and authenticator apps, and the time of their last
sign-in. Ids stay the numbers by which apps know users, also those of deleted accounts. A password that had to be
changed still has to be.

Authenticator apps are sealed in the database. The variable SECRET_KEY_BASE, with the value that it had for
Keratin AuthN, opens them. Linked accounts come for the tenant's upstreams, and for those of variables such as
GOOGLE_OAUTH_CREDENTIALS.

Accounts that were imported before are skipped, so you can run an interrupted import again. Their database is only
read. The command ends with 1 if an account was refused.`
}

// Run imports the accounts.
func (c *keratinImportCmd) Run(ctx context.Context, a *command.App) (err error) {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	address := cmp.Or(c.DatabaseURL, variable(a, "KERATIN_DATABASE_URL"))
	if address == "" {
		return command.Misused("name the database with --database-url or KERATIN_DATABASE_URL")
	}
	sealing := &exports.Sealing{Base: variable(a, "SECRET_KEY_BASE"), Salt: variable(a, "DB_ENCRYPTION_KEY_SALT")}
	if c.WithoutTOTP {
		sealing.Base = ""
	}
	source, err := keratindb.Open(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	sum, err := source.Summary(ctx)
	if err != nil {
		return err
	}
	if sum.Apps > 0 && sealing.Base == "" && !c.WithoutTOTP {
		return fmt.Errorf("%d accounts have an authenticator app, which Keratin AuthN has sealed: set SECRET_KEY_BASE to "+
			"its value, or pass --without-totp to leave the apps behind", sum.Apps)
	}
	done := int64(0)
	bar := a.Progress(sum.Accounts)
	options := importing.Options{
		DryRun: c.DryRun, AllowReserved: true, Lenient: true, LastNumber: sum.Last, Place: "account",
		Progress: func(n importing.Counts) { bar.Show(done, countsOf(n, c.DryRun)) },
	}
	return runImport(ctx, a, cfg, importRun{
		tenant: c.Tenant, report: c.Report, json: c.JSON, options: options, bar: bar,
		rows: func(tenant *storage.TenantSettings) (iter.Seq[importing.Read], error) {
			for _, u := range settings.KeratinUpstreams(a.Environ) {
				if tenant.Upstream(u.ID) == nil {
					tenant.Upstreams = append(tenant.Upstreams, u)
				}
			}
			e, err := exports.Open(exports.Options{Product: "keratin", Upstreams: tenant.Upstreams, Names: c.Upstream,
				Sealing: sealing, Numbers: true, Confirmed: c.Confirmed}, nil)
			if err != nil {
				return nil, err
			}
			return e.Records(source.Accounts(ctx, func() { done++ })), nil
		},
	})
}

// variable returns the value of a variable of the environment; "" for none.
func variable(a *command.App, name string) (value string) {
	for _, e := range a.Environ {
		if n, v, _ := strings.Cut(e, "="); n == name {
			value = v
		}
	}
	return value
}
