package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/exports"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// lookEvery is how often a server looks for imports that another one has left.
	lookEvery = 15 * time.Second
	// judgeEvery is how often the administrator's role is looked at.
	judgeEvery = 5 * time.Second
	// longestRest bounds the rest after a batch that was checked, which is otherwise as long as the batch took.
	longestRest = 250 * time.Millisecond
	// beside is how many users of a batch are looked for at the same time. Sign-ins share the connections.
	beside = 4
)

// Run does imports, one at a time, until the context ends.
func (s *Service) Run(ctx context.Context) {
	for ctx.Err() == nil {
		worked, err := s.next(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "import", "error", err)
		}
		if worked && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-time.After(lookEvery - lookEvery/10 + rand.N(lookEvery/5)):
		}
	}
}

// next does the next import, and reports whether there was one.
func (s *Service) next(ctx context.Context) (worked bool, err error) {
	now := time.Now().UTC()
	im, err := s.Store.ClaimImport(ctx, s.runner, now, now.Add(lease))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.do(ctx, im)
}

// errLost says that the import is no longer this process's: it was stopped, or another process has it.
var errLost = errors.New("the import is no longer this server's")

// errActor says that the administrator may no longer import users.
var errActor = errors.New("the administrator may no longer import users")

// errTries says that servers began with the import, got no further than those before, and left no word.
var errTries = errors.New("servers ended while they worked at the import, at the same rows of its file")

// work is an import that this process has.
type work struct {
	s      *Service
	im     storage.Import
	note   Note
	asker  people.Asker
	adding bool
	// before is what was counted before this process began, and tries how often others did.
	before importing.Counts
	tries  int
	file   *file
	fatal  error // why the file can't be read on
	lines  []storage.ImportLine
	judged time.Time
	rested time.Time
	end    context.CancelCauseFunc
}

// do checks or adds, and notes the outcome. An import that this process can't finish is left to another one.
func (s *Service) do(ctx context.Context, im storage.Import) (err error) {
	w := &work{s: s, im: im, adding: im.State == storage.ImportAdding, rested: time.Now()}
	if err := json.Unmarshal(im.Data, &w.note); err != nil {
		return err
	}
	w.tries = w.note.Tries
	if w.note.Tries++; w.note.Tries >= mostTries {
		return errors.Join(errTries, w.fail(FaultServer, ""))
	}
	err = w.run(ctx)
	switch {
	case errors.Is(err, errLost):
		return nil
	case errors.Is(err, errActor):
		return w.fail(FaultActor, "")
	case w.fatal != nil:
		return w.fail(FaultFile, w.fatal.Error())
	case err != nil && (ctx.Err() != nil || errors.Is(err, storage.ErrUnavailable)):
		return errors.Join(err, w.release())
	case err != nil:
		return errors.Join(err, w.fail(FaultServer, ""))
	}
	return w.finish(ctx)
}

// run goes through the file.
func (w *work) run(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // a file must not end the server
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if err := w.keep(ctx); err != nil {
		return err
	}
	record, err := w.s.Store.Tenant(ctx, w.im.TenantID)
	if err != nil {
		return err
	}
	w.asker = people.Asker{Tenant: issuer.Of(w.s.Root, record), Actor: w.note.Actor, RequestID: w.note.RequestID,
		IP: w.note.IP}
	if err := w.judge(ctx); err != nil {
		return err
	}
	ctx, w.end = context.WithCancelCause(ctx)
	defer w.end(nil)
	skip := 0
	if w.adding {
		w.before, skip = w.note.Made, w.note.Made.Rows()
	} else {
		w.note.Lines, w.note.Found = 0, importing.Counts{}
	}
	if skip == 0 {
		if err := w.s.Store.RemoveImportLines(ctx, w.im.TenantID, w.im.ID); err != nil {
			return err
		}
	}
	w.file = &file{ctx: ctx, work: w}
	rows, err := w.rows()
	if err != nil {
		return err
	}
	_, err = importing.Import(ctx, w.s.Store, w.asker, w.from(rows, skip), importing.Options{
		DryRun: !w.adding, Lenient: w.note.Product != "", Beside: beside,
		Secrets: func(context.Context) (*secret.Masters, error) { return w.s.Secrets, nil },
		Refused: func(r importing.Refusal) error { return w.list(r, Refused) },
		Noted: func(r importing.Refusal) error {
			if r.LeftOut {
				return w.list(r, LeftOut)
			}
			return w.list(r, Partly)
		},
		Progress: func(n importing.Counts) {
			if err := w.save(ctx, n); err != nil {
				w.end(err)
			}
		},
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// rows returns the rows of the file.
func (w *work) rows() (iter.Seq[importing.Read], error) {
	if w.note.Product == "" {
		return importing.ReadRows(w.file, w.note.CSV), nil
	}
	settings := w.asker.Tenant.Settings
	e, err := exports.Open(exports.Options{Product: w.note.Product, Upstreams: settings.Upstreams,
		Attributes: settings.Attributes}, nil)
	if err != nil {
		return nil, err
	}
	return e.Read(w.file), nil
}

// from returns the rows without those that were done before.
func (w *work) from(rows iter.Seq[importing.Read], skip int) iter.Seq[importing.Read] {
	return func(yield func(importing.Read) bool) {
		n := 0
		for r := range rows {
			if r.Fatal && w.file.fault == nil {
				w.fatal = fmt.Errorf("line %d: %w", r.Line, r.Err)
			}
			if n++; n <= skip && !r.Fatal {
				continue
			}
			if !yield(r) {
				return
			}
		}
	}
}

// list notes a row that is not imported, for the next save.
func (w *work) list(r importing.Refusal, what string) error {
	if w.note.Lines >= MaxLines {
		return nil
	}
	data, err := json.Marshal(Line{Line: r.Line, What: what, Why: clip(r.Why.Error()),
		Who: clip(cmp.Or(r.Row.Email, r.Row.Username, r.Row.ExternalID, r.Row.ID))})
	if err != nil {
		return err
	}
	w.note.Lines++
	w.lines = append(w.lines, storage.ImportLine{N: w.note.Lines, Data: data})
	return nil
}

// save notes what was done, and rests. It returns an error if the import is to end.
func (w *work) save(ctx context.Context, n importing.Counts) error {
	done := sum(w.before, n)
	if w.adding {
		w.note.Made = done
	} else {
		w.note.Found = done
	}
	if rows := done.Rows(); rows > w.note.Furthest {
		w.note.Furthest, w.note.Tries = rows, 0
	}
	w.note.Read = w.file.read
	if err := w.s.Store.AddImportLines(ctx, w.im.TenantID, w.im.ID, w.lines); err != nil {
		return err
	}
	w.lines = nil
	if time.Since(w.judged) > judgeEvery {
		if err := w.judge(ctx); err != nil {
			return err
		}
	}
	if err := w.keep(ctx); err != nil {
		return err
	}
	if w.adding { // package importing rests after each change
		return nil
	}
	select {
	case <-ctx.Done():
	case <-time.After(min(time.Since(w.rested), longestRest)):
	}
	w.rested = time.Now()
	return nil
}

// keep stores the note, and has the import for another lease.
func (w *work) keep(ctx context.Context) error {
	data, err := json.Marshal(w.note)
	if err != nil {
		return err
	}
	now := w.im
	now.Data, now.LeaseEnds = data, time.Now().Add(lease)
	switch err := w.s.Store.ChangeImport(ctx, w.im, now); {
	case errors.Is(err, storage.ErrStale):
		return errLost
	case err != nil:
		return err
	}
	w.im = now
	return nil
}

// judge returns errActor unless the administrator may still import users of the tenant.
func (w *work) judge(ctx context.Context) error {
	w.judged = time.Now()
	u, err := w.s.Store.User(ctx, w.note.Home, w.note.Actor)
	if errors.Is(err, storage.ErrNotFound) {
		return errActor
	}
	if err != nil {
		return err
	}
	needed := "users:write"
	if w.note.Home != w.im.TenantID {
		needed = "tenants:write"
	}
	if u.Disabled || !slices.Contains(administration.ScopesOf(u.TenantID, u.AdminRole), needed) {
		return errActor
	}
	return nil
}

// finish notes that the file was gone through. A file without new users needs no decision.
func (w *work) finish(ctx context.Context) error {
	state, expires := storage.ImportDone, time.Now().Add(KeptResult)
	if !w.adding && w.note.Found.Added > 0 {
		state, expires = storage.ImportChecked, time.Now().Add(Kept)
	} else if !w.adding {
		w.note.Made = w.note.Found
	}
	w.note.Read = w.note.Bytes
	return w.close(ctx, state, w.note, expires)
}

// fail notes why the import ended.
func (w *work) fail(fault, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanTime)
	defer cancel()
	w.note.Fault, w.note.Text = fault, clip(text)
	return w.close(ctx, storage.ImportFailed, w.note, time.Now().Add(KeptResult))
}

// close stores the last note of this process. The file is deleted with it, unless it waits for a decision.
func (w *work) close(ctx context.Context, state string, n Note, expires time.Time) error {
	now, err := with(w.im, state, n, expires)
	if err != nil {
		return err
	}
	err = w.s.Store.ChangeImport(ctx, w.im, now)
	if errors.Is(err, storage.ErrStale) {
		return nil // it was stopped
	}
	return err
}

// release leaves the import to another process, or to this one later. It is no try: the file did not end this process.
func (w *work) release() error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanTime)
	defer cancel()
	var n Note // without what was not saved
	if err := json.Unmarshal(w.im.Data, &n); err != nil {
		return err
	}
	n.Tries = min(n.Tries, w.tries)
	return w.close(ctx, w.im.State, n, w.im.ExpiresAt)
}

// sum adds counts.
func sum(a, b importing.Counts) importing.Counts {
	return importing.Counts{Added: a.Added + b.Added, WithHash: a.WithHash + b.WithHash, There: a.There + b.There,
		Refused: a.Refused + b.Refused, LeftOut: a.LeftOut + b.LeftOut, Partly: a.Partly + b.Partly}
}

// file reads the parts of a file, one after the other.
type file struct {
	ctx   context.Context
	work  *work
	part  int64
	rest  []byte
	read  int64
	fault error // of the database, as against what is wrong with the file
}

// Read implements io.Reader.
func (f *file) Read(b []byte) (int, error) {
	if len(f.rest) == 0 {
		if f.read >= f.work.note.Bytes {
			return 0, io.EOF
		}
		sealed, err := f.work.s.Store.ImportPart(f.ctx, f.work.im.TenantID, f.work.im.ID, f.part)
		if err == nil {
			f.rest, err = f.work.s.box(f.work.im.TenantID).Open(sealed)
		}
		if err != nil {
			f.fault = err
			return 0, err
		}
		f.part++
	}
	n := copy(b, f.rest)
	f.rest, f.read = f.rest[n:], f.read+int64(n)
	return n, nil
}
