package importing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Store is what Import and Export read and write.
type Store interface {
	storage.Users
	storage.Changes
	Credential(ctx context.Context, tenant, userID, kind, id string) (storage.Credential, error)
	Identity(ctx context.Context, tenant, provider, subject string) (storage.Identity, error)
	Record(ctx context.Context, e storage.Event) error
	Numbered(ctx context.Context, tenant string, number int64) (storage.AccountNumber, error)
	KeepNumber(ctx context.Context, n storage.AccountNumber) error
	ReserveNumber(ctx context.Context, tenant string, number int64, now time.Time) error
}

// Options say how a file is imported.
type Options struct {
	DryRun        bool // check everything, and add no user
	AllowRoles    bool // rows may have roles, which may make administrators
	AllowReserved bool // rows may have user names that the tenant reserves
	// Firebase are the parameters of the password hashes of rows with a salt; nil for none.
	Firebase *password.Firebase
	// Lenient has a row lose what is wrong with a part of it, such as a phone number in no known form, instead
	// of being refused: for files that another product made.
	Lenient bool
	// LastNumber is the greatest number of all rows, if that is known: users who are numbered meanwhile get greater ones.
	LastNumber int64
	// Beside is how many users of a batch are looked for at the same time. Default: all.
	Beside int
	// Place is what Line of a row counts. Default: lines.
	Place string
	// Secrets returns the master secrets, to seal authenticator apps and recovery codes. It is called when the
	// first user with such comes, and not in a dry run.
	Secrets func(context.Context) (*secret.Masters, error)
	// Refused is called with each row that is not imported, in the order of the file. An error ends the
	// import. Default: nothing.
	Refused func(Refusal) error
	// Noted is called with each part that a row lost while its user was added, and with each row that was left
	// out on purpose. An error ends the import. Default: nothing.
	Noted func(Refusal) error
	// Progress is called after each batch of rows. Default: nothing.
	Progress func(Counts)
}

// Refusal is a row that was not imported, or not as a whole.
type Refusal struct {
	Line int
	Row  Row
	Why  error // a *Fault, or what is wrong with the form of the line
	// LeftOut says that the user was left out on purpose.
	LeftOut bool
}

// Counts are the rows so far.
type Counts struct {
	Added    int // in a dry run, would be added
	WithHash int // of those
	There    int // the user existed
	Refused  int
	LeftOut  int // rows that were left out on purpose, such as those of removed users
	Partly   int // of those added: without a part of what the file says
}

// Rows returns how many rows were gone through.
func (n Counts) Rows() int { return n.Added + n.There + n.Refused + n.LeftOut }

// Read is a row of a file, or what is wrong with it.
type Read struct {
	Line int
	Row  Row
	Err  error // the row is refused for it
	// Fatal says that nothing can be read after Err.
	Fatal bool
	// Skip is why the user is left out on purpose; nil for users who are to come.
	Skip error
	// Lost is what of the user cannot come.
	Lost []error
}

// run is an import under way.
type run struct {
	Options
	store  Store
	asker  people.Asker
	rules  Rules
	seen   seenKeys
	counts Counts
	again  bool // some users of the batch before existed: much of the file may have been imported
	// begin records that the import adds users, before it adds the first.
	begin func() error
	begun bool
	rest  time.Time // before it nothing more is written

	reserved int64 // no lower number than this one is given to another user

	masters *secret.Masters // nil until the first user with a second factor comes
}

// Import adds the users of the rows of a file to the asker's tenant, each with an event. It records two more: one
// before it adds the first user, so that an import that is killed leaves it, and one at the end. Rows that are
// wrong are refused one by one, and are no error. The counts come back with an error, too, such as that of the
// context: what was added stays, and a later import of the same file goes on there.
func Import(ctx context.Context, s Store, a people.Asker, rows iter.Seq[Read], o Options) (Counts, error) {
	im := &run{Options: o, store: s, asker: a, seen: newSeenKeys(), rules: Rules{
		Tenant: a.Tenant.ID, Roles: o.AllowRoles, Reserved: a.Tenant.Settings.SignUp.ReservedUsernames,
		Firebase: o.Firebase, Upstreams: a.Tenant.Settings.Upstreams,
		Attributes: a.Tenant.Settings.Attributes, Now: time.Now(),
	}}
	im.rules.PasskeyHost, _ = passkey.Host(a.Tenant.Issuer) // without a host name no passkey comes
	if im.Place == "" {
		im.Place = "line"
	}
	if o.AllowReserved {
		im.rules.Reserved = []string{}
	}
	record := func(ctx context.Context, e storage.Event) error {
		return audit.Writer{Store: s}.Write(ctx, a.Event(e))
	}
	im.begin = sync.OnceValue(func() error {
		im.begun = true
		return record(ctx, storage.Event{Kind: storage.EventUsersImporting})
	})
	err := im.importAll(ctx, rows)
	if im.begun { // also after an error, and for a caller that stops: some users may have been added before it
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
		defer cancel()
		n := strconv.Itoa(im.counts.Added)
		err = errors.Join(err, record(last, storage.Event{Kind: storage.EventUsersImported,
			Detail: map[string]string{"added": n}}))
	}
	return im.counts, err
}

// recordTime bounds how long the last event is written.
const recordTime = 10 * time.Second

// importAll imports batch after batch.
func (im *run) importAll(ctx context.Context, rows iter.Seq[Read]) error {
	batch := make([]Read, 0, batchSize)
	for row := range rows {
		if row.Fatal {
			return errors.Join(im.batch(ctx, batch), fmt.Errorf("%s %d: %w", im.Place, row.Line, row.Err))
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

// count counts what became of a row, and tells the caller if the row, or a part of it, is not imported.
func (im *run) count(r Read, o outcome) error {
	switch {
	case o.err != nil:
		return fmt.Errorf("%s %d: %w", im.Place, r.Line, o.err)
	case r.Skip != nil:
		im.counts.LeftOut++
		return tell(im.Noted, r, r.Skip)
	case o.bad != nil:
		im.counts.Refused++
		return tell(im.Refused, r, o.bad)
	case o.there:
		im.counts.There++
		return nil
	}
	im.counts.Added++
	if o.user.Hash != nil {
		im.counts.WithHash++
	}
	if len(r.Lost) > 0 {
		im.counts.Partly++
	}
	for _, lost := range r.Lost {
		if err := tell(im.Noted, r, lost); err != nil {
			return err
		}
	}
	return nil
}

// tell calls to, if there is such a function, with what is not imported.
func tell(to func(Refusal) error, r Read, why error) error {
	if to == nil {
		return nil
	}
	return to(Refusal{Line: r.Line, Row: r.Row, Why: why, LeftOut: r.Skip != nil})
}
