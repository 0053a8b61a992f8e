package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

type userImportCmd struct {
	File     string `arg:"" help:"The file, or - for standard input."`
	Format   string `enum:"auto,jsonl,csv" default:"auto" help:"jsonl (one object per line), csv (the first line names the columns), or auto: by the file's name." placeholder:"FORMAT"`
	DryRun   bool   `help:"Report what would be refused, and change nothing."`
	Report   string `type:"path" help:"Write each refused row and the reason, as JSON lines." placeholder:"FILE"`
	Firebase string `type:"path" help:"The password hash parameters from the Firebase console, for rows with a password_salt." placeholder:"FILE"`
	Roles    bool   `help:"Accept roles in rows: admin makes an administrator of the tenant."`
	Reserved bool   `help:"Accept user names that the tenant reserves, such as support."`
	tenantFlag
}

// Help is shown behind the flags.
func (c *userImportCmd) Help() string {
	return `A row has these fields. Only email or username is required:

  id                     their UUID, which stays their sub; the default is a new one
  email                  with email_verified (true or false)
  username               a name to sign in with, besides the address
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

Who is there already is passed over, so that an import that was interrupted can be
started again.`
}

const (
	// batchSize is how many rows are added at once. Their writes are committed together.
	batchSize = 32
	// leastRest is the least that an import rests behind a batch.
	leastRest = 5 * time.Millisecond
)

// refusal is a row that was not imported.
type refusal struct {
	Line   int    `json:"line"`
	ID     string `json:"id,omitempty"`
	Email  string `json:"email,omitempty"`
	Name   string `json:"username,omitempty"`
	Reason string `json:"reason"`
}

// importing is an import under way.
type importing struct {
	store    store
	rules    rowRules
	dry      bool
	again    bool // of the batch before, some people were there: much of the file may be
	seen     seenKeys
	report   *json.Encoder // nil: none is written
	progress *progress
	file     *counted

	added, there, withHash, refused int
	shown                           []refusal
}

// maxShown is how many refusals are printed.
const maxShown = 10

func (c *userImportCmd) Run(ctx context.Context, a *app) (err error) {
	firebase, err := readFirebase(c.Firebase)
	if err != nil {
		return err
	}
	in, size := a.stdin, int64(0)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // nothing was written
		if info, err := f.Stat(); err == nil {
			size = info.Size()
		}
		in = f
	}
	im := &importing{
		dry: c.DryRun, seen: newSeenKeys(), progress: a.progress(size), file: &counted{Reader: in},
		rules: rowRules{tenant: c.Tenant, roles: c.Roles, firebase: firebase, now: time.Now()},
	}
	if c.Report != "" {
		// It has addresses.
		f, err := os.OpenFile(c.Report, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		im.report = json.NewEncoder(f)
		im.report.SetEscapeHTML(false)
	}
	isCSV := c.Format == "csv" || c.Format == "auto" && strings.HasSuffix(strings.ToLower(c.File), ".csv")
	return a.withStore(ctx, func(s store) error {
		t, err := s.Tenant(ctx, c.Tenant)
		if err != nil {
			return noSuch(err, "tenant", c.Tenant)
		}
		if im.rules.reserved = t.Settings.SignUp.ReservedUsernames; c.Reserved {
			im.rules.reserved = []string{}
		}
		im.store = s
		err = im.run(ctx, bufio.NewReaderSize(im.file, maxRow), isCSV)
		im.progress.clear()
		if !im.dry && im.added > 0 {
			// Also of what was done before an interruption.
			e := storage.Event{TenantID: c.Tenant, Kind: storage.EventUsersImported, Detail: map[string]string{"added": strconv.Itoa(im.added)}}
			err = errors.Join(err, record(context.WithoutCancel(ctx), s, e))
		}
		im.tell(a.stdout, a.stderr)
		if err == nil && im.refused > 0 {
			return exitCode(1)
		}
		return err
	})
}

// run imports batch after batch.
func (im *importing) run(ctx context.Context, r *bufio.Reader, isCSV bool) error {
	batch := make([]readRow, 0, batchSize)
	for row := range readRows(r, isCSV) {
		if row.fatal {
			return errors.Join(im.batch(ctx, batch), fmt.Errorf("line %d: %w", row.line, row.err))
		}
		if batch = append(batch, row); len(batch) == batchSize {
			if err := im.batch(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return im.batch(ctx, batch)
}

// batch imports rows side by side. What is wrong with one is no error. Behind what
// was written comes a rest: servers that write to the same file (SQLite) get their turn.
func (im *importing) batch(ctx context.Context, rows []readRow) error {
	began := time.Now()
	type outcome struct {
		there bool
		hash  bool
		bad   error // refused for
		err   error
	}
	outcomes := make([]outcome, len(rows))
	var wg sync.WaitGroup
	for i := range rows {
		p, err := im.fresh(&rows[i])
		if err != nil {
			outcomes[i].bad = err
			continue
		}
		wg.Go(func() {
			o := &outcomes[i]
			o.hash = p.hash != nil
			o.there, o.bad, o.err = im.add(ctx, p)
		})
	}
	wg.Wait()
	there, added := im.there, im.added
	for i, o := range outcomes {
		switch {
		case o.err != nil:
			return fmt.Errorf("line %d: %w", rows[i].line, o.err)
		case o.bad != nil:
			if err := im.refuse(rows[i], o.bad); err != nil {
				return err
			}
		case o.there:
			im.there++
		default:
			im.added++
			if o.hash {
				im.withHash++
			}
		}
	}
	im.progress.show(im.file.n, im.counts())
	im.again = im.there > there
	if im.dry || im.added == added {
		return nil
	}
	select {
	case <-time.After(max(leastRest, time.Since(began))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fresh checks the row, and that no row before it is of the same person.
func (im *importing) fresh(r *readRow) (person, error) {
	if r.err != nil {
		return person{}, r.err
	}
	p, err := r.row.check(im.rules)
	if err != nil {
		return p, err
	}
	phone := ""
	if p.user.PhoneVerified {
		phone = p.user.Phone
	}
	own := []struct{ what, key string }{
		{"id", r.row.ID}, {"email", p.user.EmailKey}, {"username", p.user.UsernameKey}, {"username, or one that looks like it,", p.user.UsernameSkeleton}, {"verified phone_number", phone},
	}
	for _, o := range own {
		if line, ok := im.seen.line(o.what + " " + o.key); ok && o.key != "" {
			return p, fmt.Errorf("line %d has this %s too", line, o.what)
		}
	}
	for _, o := range own {
		if o.key != "" {
			im.seen.add(o.what+" "+o.key, r.line)
		}
	}
	return p, nil
}

// add adds the person, unless they are there, or somebody else has what is theirs.
func (im *importing) add(ctx context.Context, p person) (there bool, bad, err error) {
	if im.dry {
		there, bad, err = im.taken(ctx, p)
		if there || bad != nil || err != nil {
			return there, bad, err
		}
		err = freePhone(ctx, im.store, p.user)
		if taken, ok := errors.AsType[*takenPhone](err); ok {
			return false, taken, nil
		}
		return false, nil, err
	}
	var creds []storage.Credential
	if p.hash != nil {
		creds = []storage.Credential{{
			TenantID: p.user.TenantID, UserID: p.user.ID, Kind: storage.PasswordCredential, Data: p.hash,
			CreatedAt: im.rules.now, UpdatedAt: im.rules.now,
		}}
	}
	var once *storage.Spent
	if slices.Contains(p.user.Roles, "admin") && p.user.TenantID == firstAdmin.TenantID {
		once = &firstAdmin
	}
	if err := freePhone(ctx, im.store, p.user); err != nil {
		if there, bad, err := im.taken(ctx, p); there || err != nil {
			return there, bad, err
		}
		if taken, ok := errors.AsType[*takenPhone](err); ok {
			return false, taken, nil
		}
		return false, nil, err
	}
	if im.again { // to look costs less than to fail to add
		if there, bad, err := im.taken(ctx, p); there || bad != nil || err != nil {
			return there, bad, err
		}
	}
	err = im.store.AddUser(ctx, p.user, creds, once)
	if errors.Is(err, storage.ErrStale) && once != nil { // there is an administrator
		err = im.store.AddUser(ctx, p.user, creds, nil)
	}
	if !errors.Is(err, storage.ErrExists) {
		return false, nil, err
	}
	if there, bad, err = im.taken(ctx, p); there || bad != nil || err != nil {
		return there, bad, err
	}
	return false, errors.New("the id belonged to a user who was removed"), nil
}

// taken says whether the person is there: somebody has their id or address, or their name
// when they have no address. bad is set when what the row says is of somebody else, or of
// two.
func (im *importing) taken(ctx context.Context, p person) (there bool, bad, err error) {
	u := p.user
	var found *storage.User
	for _, find := range []struct {
		key string
		by  func() (storage.User, error)
	}{
		{u.ID, func() (storage.User, error) { return im.store.User(ctx, u.TenantID, u.ID) }},
		{u.EmailKey, func() (storage.User, error) { return im.store.UserByEmail(ctx, u.TenantID, u.EmailKey) }},
		{u.UsernameKey, func() (storage.User, error) { return im.store.UserByUsername(ctx, u.TenantID, u.UsernameKey) }},
		{u.UsernameSkeleton, func() (storage.User, error) { return im.store.UserBySkeleton(ctx, u.TenantID, u.UsernameSkeleton) }},
	} {
		if find.key == "" {
			continue
		}
		other, err := find.by()
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, nil, err
		}
		if found == nil {
			found = &other
		}
		alike := find.key == u.UsernameSkeleton && other.UsernameKey != u.UsernameKey
		if alike || other.ID != found.ID || p.hasID && other.ID != u.ID || other.ID != u.ID && u.EmailKey != other.EmailKey {
			return false, fmt.Errorf("another user, %s, has its email, or its username or one that looks like it", other.ID), nil
		}
	}
	return found != nil, nil, nil
}

func (im *importing) refuse(r readRow, why error) error {
	im.refused++
	f := refusal{Line: r.line, ID: clip(r.row.ID), Email: clip(r.row.Email), Name: clip(r.row.Username), Reason: why.Error()}
	if len(im.shown) < maxShown {
		im.shown = append(im.shown, f)
	}
	if im.report == nil {
		return nil
	}
	if err := im.report.Encode(f); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// clip keeps the report readable whatever a row has.
func clip(s string) string { return s[:min(len(s), 254)] }

func (im *importing) counts() string {
	verb := "added"
	if im.dry {
		verb = "would be added"
	}
	return fmt.Sprintf("%d %s (%d with a password), %d there already, %d refused", im.added, verb, im.withHash, im.there, im.refused)
}

func (im *importing) tell(out, errs io.Writer) {
	for _, f := range im.shown {
		fmt.Fprintf(errs, "line %d: %s\n", f.Line, printable(f.Reason))
	}
	if more := im.refused - len(im.shown); more > 0 {
		fmt.Fprintf(errs, "and %d more: --report FILE has them all\n", more)
	}
	fmt.Fprintln(out, im.counts())
}
