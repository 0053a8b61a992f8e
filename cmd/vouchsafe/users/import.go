package users

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/report"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/exports"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// userImportCmd adds the users of a file, of this product or of another one.
type userImportCmd struct {
	File     string            `arg:"" help:"The file, or - for standard input."`
	From     string            `enum:"vouchsafe,keycloak,auth0,firebase,supabase,kratos,django,wordpress,laravel,aspnet,keratin,pocketid" default:"vouchsafe" help:"The product that exported the file: keycloak, auth0, firebase, supabase, kratos, django, wordpress, laravel, aspnet, keratin or pocketid. docs/moving.md has its export command. Without it, the rows are those that this help describes." placeholder:"PRODUCT"`
	With     []string          `type:"existingfile" sep:"none" help:"With --from: a further file of the same export, such as a table of identities. Repeatable." placeholder:"FILE"`
	Upstream map[string]string `mapsep:"none" help:"With --from: the tenant's upstream that the product calls THEIRS, where the command cannot tell. Repeatable." placeholder:"THEIRS=ID"`
	Realm    string            `help:"With --from keycloak: the realm whose users to import, if the file has several." placeholder:"NAME"`
	Passkeys string            `help:"With --from keycloak, kratos or pocketid: import passkeys, too. HOST is the host name for which they were made, which must be this tenant's." placeholder:"HOST"`
	Format   string            `enum:"auto,jsonl,csv" default:"auto" help:"jsonl (one object per line), csv (the first line names the columns), or auto: by the file's name. With --from, the file's content tells." placeholder:"FORMAT"`
	DryRun   bool              `help:"Report what would be imported and what would not, and change nothing."`
	Report   string            `type:"path" help:"Write each row, or part of one, that is not imported, and the reason, as JSON lines." placeholder:"FILE"`
	Firebase string            `type:"path" help:"The password hash parameters from the Firebase console, for rows with a password_salt." placeholder:"FILE"`
	Roles    bool              `help:"Accept roles in rows, such as admin."`
	Reserved bool              `help:"Accept usernames that the tenant reserves, such as support."`
	command.TenantFlag
	command.JSONFlag
}

// Help is printed after the flags.
func (c *userImportCmd) Help() string {
	return `A row has these fields. Only email or username is required:

  id              their UUID, which stays their sub; the default is a new one
  email           with email_verified (true or false)
  username        a name to sign in with, besides the email address
  phone_number    in international form, with phone_number_verified
  profile         an object of OpenID Connect's claims (name, given_name, …);
                  in CSV each is a column of its own, and address is one
  roles           a list; in CSV separated by spaces; only with --roles
  disabled        true locks them out
  created_at      as 2006-01-02T15:04:05Z
  password_hash   bcrypt (Auth0, PHP), a PHC string (Argon2, scrypt, PBKDF2),
                  Django's, phpass's ($P$), or a Keycloak credential as an
                  object. Each is replaced by one of ours when its owner
                  signs in.
  password_salt   with password_hash, as Firebase exports them
  external_id     their id in another product; user show and user export
                  have it

JSON lines have these fields, too:

  attributes      an object of those that the tenant declares
  identities      a list of {"provider", "subject", "email"}: accounts at
                  upstreams of the tenant, by the upstream's id
  totp            their authenticator app: {"secret"} in base 32, with
                  algorithm, digits and period if not SHA1, 6 and 30
  recovery_codes  a list of codes that stand in for it, in clear
  passkeys        a list of {"rp_id", "id", "public_key", "user_handle"}, in
                  base64, for this tenant's host name; with name, sign_count,
                  aaguid, user_verified (it signs in alone), backup_eligible,
                  transports, and second_factor (it is asked for after the
                  password)

With --from, the file is what the product itself exports:
vouchsafe user import users.json --from keycloak. A user whose id there is a
UUID keeps it as sub; other ids become external_id. What cannot be imported is
reported with its line; the user is imported without it.

Users who exist already are skipped, so you can run an interrupted import
again. The command ends with 1 if a row was refused.`
}

// Run imports the users of a file.
func (c *userImportCmd) Run(ctx context.Context, a *command.App) (err error) {
	cfg, err := a.Config() // before an older report is written over
	if err != nil {
		return err
	}
	if c.From == ownRows && (len(c.With)+len(c.Upstream) > 0 || c.Realm+c.Passkeys != "") {
		return command.Misused("--with, --upstream, --realm and --passkeys go with --from PRODUCT")
	}
	file, size, err := openInput(a, c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // nothing was written
	options := importing.Options{
		DryRun: c.DryRun, AllowRoles: c.Roles, AllowReserved: c.Reserved, Lenient: c.From != ownRows,
	}
	if options.Firebase, err = readFirebase(c.Firebase); err != nil {
		return err
	}
	bar, read := a.Progress(size), &counted{Reader: file}
	options.Progress = func(n importing.Counts) { bar.Show(read.n, countsOf(n, c.DryRun)) }
	return runImport(ctx, a, cfg, importRun{
		tenant: c.Tenant, passkeys: c.Passkeys, report: c.Report, json: c.JSON, options: options, bar: bar,
		rows: func(tenant *storage.TenantSettings) (iter.Seq[importing.Read], error) { return c.rows(read, tenant) },
	})
}

// importRun is what the imports of files and of databases have in common.
type importRun struct {
	tenant, passkeys, report string // the latter two: see the flags
	json                     bool
	options                  importing.Options
	bar                      *terminal.Progress
	// rows returns what to import. It may add to the settings of the tenant, for the import alone.
	rows func(tenant *storage.TenantSettings) (iter.Seq[importing.Read], error)
}

// runImport imports rows, and tells what became of them.
func runImport(ctx context.Context, a *command.App, cfg *settings.Config, run importRun) (err error) {
	refused, closeReport, err := report.Open(run.report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeReport()) }()
	refused.Place = run.options.Place
	run.options.Refused, run.options.Noted = refused.Refuse, refused.Note
	return a.WithStore(ctx, func(s installation.Store) error {
		asker, err := a.Asker(ctx, s, run.tenant)
		if err != nil {
			return err
		}
		run.options.Secrets = func(ctx context.Context) (*secret.Masters, error) {
			return installation.OpenSecrets(ctx, cfg, s)
		}
		if host, _ := passkey.Host(asker.Tenant.Issuer); run.passkeys != "" && host != run.passkeys {
			return fmt.Errorf("browsers use a passkey for the host alone for which it was made: %s, and this tenant is at %s",
				run.passkeys, asker.Tenant.Issuer)
		}
		tenant := *asker.Tenant
		tenant.Settings.Upstreams = slices.Clone(tenant.Settings.Upstreams)
		asker.Tenant = &tenant
		rows, err := run.rows(&tenant.Settings)
		if err != nil {
			return err
		}
		n, err := importing.Import(ctx, s, asker, rows, run.options)
		run.bar.Clear()
		refused.Print(a.Err)
		if told := tellCounts(a, n, run.options.DryRun, run.json); told != nil {
			return errors.Join(err, told)
		}
		if err == nil && n.Refused > 0 {
			return command.ExitCode(1)
		}
		return err
	})
}

// ownRows is the value of --from for files that user export writes.
const ownRows = "vouchsafe"

// rows returns the rows of the file.
func (c *userImportCmd) rows(file io.Reader, tenant *storage.TenantSettings) (iter.Seq[importing.Read], error) {
	if c.From == ownRows {
		return importing.ReadRows(file, c.isCSV()), nil
	}
	further := make([]exports.File, 0, len(c.With))
	for _, name := range c.With {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // nothing was written
		further = append(further, exports.File{Name: name, Reader: f})
	}
	e, err := exports.Open(exports.Options{Product: c.From, Upstreams: tenant.Upstreams, Attributes: tenant.Attributes,
		Names: c.Upstream, Realm: c.Realm, PasskeyHost: c.Passkeys}, further)
	if err != nil {
		return nil, err
	}
	return e.Read(file), nil
}

// isCSV reports whether the file is CSV.
func (c *userImportCmd) isCSV() bool {
	return c.Format == "csv" || c.Format == "auto" && strings.HasSuffix(strings.ToLower(c.File), ".csv")
}

// openInput opens the file, or standard input for -, and returns its size; 0 if that is not known.
func openInput(a *command.App, name string) (file io.ReadCloser, size int64, err error) {
	if name == "-" {
		return io.NopCloser(a.In), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	return f, size, nil
}

// readFirebase reads the parameters of password hashes from the file; nil without a file.
func readFirebase(file string) (*password.Firebase, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	params, err := importing.ParseFirebase(text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	return params, nil
}

// countsView is what became of the rows, as JSON.
type countsView struct {
	DryRun   bool `json:"dry_run"`
	Added    int  `json:"added"`
	WithHash int  `json:"with_password"`
	There    int  `json:"already_there"`
	Refused  int  `json:"refused"`
	LeftOut  int  `json:"left_out"`
	Partly   int  `json:"partly"`
}

// tellCounts prints what became of the rows.
func tellCounts(a *command.App, n importing.Counts, dry, asJSON bool) error {
	if asJSON {
		return a.PrintJSON(countsView{dry, n.Added, n.WithHash, n.There, n.Refused, n.LeftOut, n.Partly})
	}
	_, err := fmt.Fprintln(a.Out, countsOf(n, dry))
	return err
}

// countsOf returns the line about what became of the rows.
func countsOf(n importing.Counts, dry bool) string {
	verb := "added"
	if dry {
		verb = "would be added"
	}
	text := fmt.Sprintf("%d %s (%d with a password), %d there already, %d refused", n.Added, verb, n.WithHash,
		n.There, n.Refused)
	if n.LeftOut > 0 {
		text += fmt.Sprintf(", %d left out", n.LeftOut)
	}
	if n.Partly > 0 {
		text += fmt.Sprintf("; %d only in part", n.Partly)
	}
	return text
}

// counted counts the bytes that are read through it.
type counted struct {
	io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}
