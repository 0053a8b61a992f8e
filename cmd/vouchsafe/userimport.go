package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/reread"
	"github.com/vouchsafe/vouchsafe/storage"
)

type userImportCmd struct {
	File     string `arg:"" help:"The file, or - for standard input."`
	Format   string `enum:"auto,jsonl,csv" default:"auto" help:"jsonl (one object per line), csv (the first line names the columns), or auto: by the file's name." placeholder:"FORMAT"`
	DryRun   bool   `help:"Report what would be refused, and change nothing."`
	Report   string `type:"path" help:"Write each refused row and the reason, as JSON lines." placeholder:"FILE"`
	Firebase string `type:"path" help:"The password hash parameters from the Firebase console, for rows with a password_salt." placeholder:"FILE"`
	Roles    bool   `help:"Accept roles in rows, such as admin."`
	Reserved bool   `help:"Accept usernames that the tenant reserves, such as support."`
	tenantFlag
	jsonFlag
}

// Help is printed after the flags.
func (c *userImportCmd) Help() string {
	return `A row has these fields. Only email or username is required:

  id                     their UUID, which stays their sub; the default is a new one
  email                  with email_verified (true or false)
  username               a name to sign in with, besides the email address
  phone_number           in international form, with phone_number_verified
  profile                an object of OpenID Connect's claims (name, given_name, …);
                         in CSV each is a column of its own, and address is one
  roles                  a list; in CSV separated by spaces; only with --roles
  disabled               true locks them out
  created_at             as 2006-01-02T15:04:05Z
  password_hash          bcrypt (Auth0, PHP), a PHC string (Argon2, scrypt, PBKDF2),
                         Django's, phpass's ($P$), or a Keycloak credential as an object.
                         Each is replaced by one of ours when its owner signs in.
  password_salt          with password_hash, as Firebase exports them
  external_id            their id in another product; user show and user export have it

JSON lines have these fields, too:

  identities             a list of {"provider", "subject", "email"}: accounts at upstreams
                         of the tenant, by the upstream's id
  totp                   their authenticator app: {"secret"} in base 32, with algorithm,
                         digits and period where they are not SHA1, 6 and 30
  recovery_codes         a list of codes that stand in for it, in clear

Users who exist already are skipped, so you can run an interrupted import again.`
}

// refusal is a row that was not imported, as the report has it.
type refusal struct {
	Line   int    `json:"line"`
	ID     string `json:"id,omitempty"`
	Email  string `json:"email,omitempty"`
	Name   string `json:"username,omitempty"`
	Reason string `json:"reason"`
}

// refusals collects what was refused, for the terminal and for the report.
type refusals struct {
	report *json.Encoder // nil: none is written
	all    int
	shown  []refusal
}

// maxShown is how many refusals are printed.
const maxShown = 10

func (c *userImportCmd) Run(ctx context.Context, a *app) (err error) {
	cfg, err := a.config() // before an older report is written over
	if err != nil {
		return err
	}
	options := importing.Options{
		DryRun: c.DryRun, AllowRoles: c.Roles, AllowReserved: c.Reserved,
	}
	if options.Firebase, err = readFirebase(c.Firebase); err != nil {
		return err
	}
	file, size, err := a.openInput(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // nothing was written
	refused, closeReport, err := openReport(c.Report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeReport()) }()
	bar, read := a.progress(size), &counted{Reader: file}
	options.Refused = refused.add
	options.Progress = func(n importing.Counts) { bar.show(read.n, c.counts(n)) }
	return a.withStore(ctx, func(s store) error {
		asker, err := a.asker(ctx, s, c.Tenant)
		if err != nil {
			return err
		}
		options.Secrets = func(ctx context.Context) (*secret.Masters, error) { return openSecrets(ctx, cfg, s) }
		n, err := importing.Import(ctx, s, asker, importing.ReadRows(read, c.isCSV()), options)
		bar.clear()
		refused.print(a.stderr)
		err = errors.Join(err, c.tell(a, n))
		if err == nil && n.Refused > 0 {
			return exitCode(1)
		}
		return err
	})
}

// isCSV reports whether the file is CSV.
func (c *userImportCmd) isCSV() bool {
	return c.Format == "csv" || c.Format == "auto" && strings.HasSuffix(strings.ToLower(c.File), ".csv")
}

// openInput opens the file, or standard input for -, and returns its size; 0 if that is not known.
func (a *app) openInput(name string) (file io.ReadCloser, size int64, err error) {
	if name == "-" {
		return io.NopCloser(a.stdin), 0, nil
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

// openReport opens the report of refused rows, if a file is named. The caller calls closed in the end.
func openReport(file string) (r *refusals, closed func() error, err error) {
	r = &refusals{}
	if file == "" {
		return r, func() error { return nil }, nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // it has addresses
	if err != nil {
		return nil, nil, err
	}
	r.report = json.NewEncoder(f)
	r.report.SetEscapeHTML(false)
	return r, f.Close, nil
}

// add adds a row to the report.
func (r *refusals) add(row importing.Refusal) error {
	r.all++
	f := refusal{
		Line: row.Line, ID: clip(row.Row.ID), Email: clip(row.Row.Email), Name: clip(row.Row.Username),
		Reason: hinted(row.Why).Error(),
	}
	if len(r.shown) < maxShown {
		r.shown = append(r.shown, f)
	}
	if r.report == nil {
		return nil
	}
	if err := r.report.Encode(f); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// clip bounds what the report quotes of a row.
func clip(s string) string { return s[:min(len(s), 254)] }

// print prints the first refusals.
func (r *refusals) print(w io.Writer) {
	for _, f := range r.shown {
		fmt.Fprintf(w, "line %d: %s\n", f.Line, printable(f.Reason))
	}
	if more := r.all - len(r.shown); more > 0 {
		fmt.Fprintf(w, "and %d more: --report FILE has them all\n", more)
	}
}

// hints names the flags that allow what otherwise is a fault, by the id of the fault.
var hints = map[string]string{
	"username.reserved":        "--reserved allows it",
	"roles.refused":            "--roles allows them",
	"password_salt.parameters": "give the parameters with --firebase FILE",
}

// hinted returns the error with the flag that would prevent it, if there is one.
func hinted(err error) error {
	if f, ok := errors.AsType[*importing.Fault](err); ok && hints[f.ID] != "" {
		return fmt.Errorf("%w: %s", err, hints[f.ID])
	}
	return err
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

// tell prints what became of the rows.
func (c *userImportCmd) tell(a *app, n importing.Counts) error {
	if c.JSON {
		return a.printJSON(countsView{c.DryRun, n.Added, n.WithHash, n.There, n.Refused, n.LeftOut, n.Partly})
	}
	_, err := fmt.Fprintln(a.stdout, c.counts(n))
	return err
}

// counts returns the line about what became of the rows.
func (c *userImportCmd) counts(n importing.Counts) string {
	verb := "added"
	if c.DryRun {
		verb = "would be added"
	}
	return fmt.Sprintf("%d %s (%d with a password), %d there already, %d refused", n.Added, verb,
		n.WithHash, n.There, n.Refused)
}

type userExportCmd struct {
	Hashes bool `help:"Include password hashes: protect the output like the database."`
	tenantFlag
}

func (c *userExportCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		asker, err := a.asker(ctx, s, c.Tenant)
		if err != nil {
			return err
		}
		out := &lines{Writer: a.stdout, bar: &progress{}}
		if !isTerminal(a.stdout) { // where the users themselves show how far it is
			out.bar = a.progress(0)
		}
		err = importing.Export(ctx, s, asker, out, c.Hashes)
		out.bar.clear()
		if err == nil {
			fmt.Fprintf(a.stderr, "Exported %d users of tenant %s.\n", out.n, c.Tenant)
		}
		return err
	})
}

// lines counts the lines that are written through it, and shows their number.
type lines struct {
	io.Writer
	n   int
	bar *progress
}

func (l *lines) Write(b []byte) (int, error) {
	l.n += bytes.Count(b, []byte{'\n'})
	l.bar.show(0, fmt.Sprintf("%d users", l.n))
	return l.Writer.Write(b)
}

type userCheckCmd struct {
	tenantFlag
	jsonFlag
}

// Help is printed after the flags.
func (c *userCheckCmd) Help() string {
	return `It lists email addresses and usernames that an earlier release stored and that today's rules would
refuse. All of these users can still sign in. Soon after it starts, the server itself corrects
what it safely can; agree on the rest with the users.`
}

// checked is a user whose names are odd.
type checked struct {
	ID       string `json:"id"`
	Email    string `json:"email,omitempty"`
	Username string `json:"username,omitempty"`
	Found    string `json:"found"`
}

// Run lists the users of a tenant whose names would be refused today.
func (c *userCheckCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		odd := []checked{}
		n, err := reread.CheckAll(ctx, s, c.Tenant, func(u storage.User, found []reread.Found) {
			for _, f := range found {
				odd = append(odd, checked{u.ID, u.Email, u.Username, string(f)})
			}
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(odd)
		}
		t := a.table("ID", "EMAIL", "USERNAME", "FOUND")
		for _, o := range odd {
			t.row(o.ID, o.Email, o.Username, o.Found)
		}
		if len(odd) > 0 {
			if err := t.flush(); err != nil {
				return err
			}
		}
		fmt.Fprintf(a.stderr, "users: %d, findings: %d\n", n, len(odd))
		return nil
	})
}
