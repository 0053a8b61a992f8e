package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/exports"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Store is what a Service reads and writes.
type Store interface {
	importing.Store
	storage.Imports
	Tenant(ctx context.Context, id string) (storage.Tenant, error)
}

// Service has the use cases, and does the work. New makes it.
type Service struct {
	Config
	runner string
	wake   chan struct{}
}

// Config is what a Service is made of. All fields are required.
type Config struct {
	Store   Store
	Secrets *secret.Masters
	Root    *url.URL // of the default tenant
	Log     *slog.Logger
}

// New returns a Service. Run does what it is given.
func New(c Config) *Service {
	return &Service{Config: c, runner: uuid.NewString(), wake: make(chan struct{}, 1)}
}

// Products returns the products whose exports can be given, beside rows of our own: those that write one file, without
// keys apart from it.
func Products() []string {
	return slices.DeleteFunc(exports.Products(), func(name string) bool { return name == "keratin" || name == "firebase" })
}

// File is what an administrator gives.
type File struct {
	Name    string
	Product string // one of Products, or "" for rows of our own
	Body    io.Reader
}

// Receive stores a file for the asker's tenant, and has a server check it. home is the tenant of the account of the
// administrator who asks. It returns ErrEmpty, ErrTooLarge or ErrTooMany for files that are not taken, and an error of
// the reader if the file does not arrive as a whole: nothing of it is kept then.
func (s *Service) Receive(ctx context.Context, a people.Asker, home string, f File) (id string, err error) {
	if err := s.hasRoom(ctx, a, maxWaiting-1); err != nil {
		return "", err
	}
	now := time.Now().UTC()
	n := Note{Name: clip(f.Name), Product: f.Product, Actor: a.Actor, Home: home, RequestID: a.RequestID, IP: a.IP}
	made, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	im := storage.Import{TenantID: a.Tenant.ID, ID: made.String(), CreatedAt: now}
	if im, err = with(im, storage.ImportReceiving, n, now.Add(Kept)); err != nil {
		return "", err
	}
	im.Runner, im.LeaseEnds = s.runner, now.Add(lease)
	if err := s.Store.AddImport(ctx, im); err != nil {
		return "", err
	}
	// Of files that come at the same time, the last that was noted sees all others.
	if err := s.hasRoom(ctx, a, maxWaiting); err != nil {
		return "", errors.Join(err, s.drop(im, n))
	}
	if im, err = s.store(ctx, im, &n, f.Body); err != nil {
		return "", errors.Join(err, s.drop(im, n))
	}
	ready, err := with(im, storage.ImportChecking, n, now.Add(Kept))
	if err == nil {
		err = s.Store.ChangeImport(ctx, im, ready)
	}
	if err != nil {
		return "", errors.Join(err, s.drop(im, n))
	}
	s.start()
	return im.ID, nil
}

// hasRoom returns ErrTooMany if more imports of the tenant than these are not over.
func (s *Service) hasRoom(ctx context.Context, a people.Asker, most int64) error {
	n, err := s.Store.CountOpenImports(ctx, a.Tenant.ID, time.Now())
	if err == nil && n > most {
		return ErrTooMany
	}
	return err
}

// store stores the file, and notes its size and form.
func (s *Service) store(ctx context.Context, im storage.Import, n *Note, body io.Reader) (storage.Import, error) {
	box, buf := s.box(im.TenantID), make([]byte, partSize)
	for part := int64(0); ; part++ {
		read, err := io.ReadFull(body, buf)
		if part == 0 {
			n.CSV = n.Product == "" && isCSV(buf[:read])
		}
		n.Bytes += int64(read)
		switch {
		case n.Bytes > MaxFile:
			return im, ErrTooLarge
		case read > 0:
			if err := s.Store.AddImportPart(ctx, im.TenantID, im.ID, part, box.Seal(buf[:read])); err != nil {
				return im, err
			}
		}
		switch {
		case errors.Is(err, io.EOF) && n.Bytes == 0:
			return im, ErrEmpty
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && reachedEnd(body):
			return im, nil
		case err != nil:
			return im, err
		}
		if now := time.Now(); im.LeaseEnds.Sub(now) < lease/2 {
			held := im
			held.LeaseEnds = now.Add(lease)
			if err := s.Store.ChangeImport(ctx, im, held); err != nil {
				return im, err
			}
			im = held
		}
	}
}

// reachedEnd reports whether a reader that gave less than was asked for is at its end, and has not broken off:
// io.ReadFull and a broken multipart body have the same error.
func reachedEnd(body io.Reader) bool {
	n, err := body.Read(make([]byte, 1))
	return n == 0 && errors.Is(err, io.EOF)
}

// isCSV reports whether a file that begins so is CSV: JSON lines begin with an object.
func isCSV(begin []byte) bool {
	begin = bytes.TrimSpace(bytes.TrimPrefix(begin, []byte("\ufeff")))
	return len(begin) == 0 || begin[0] != '{'
}

// cleanTime bounds what is done after the caller has gone.
const cleanTime = 10 * time.Second

// drop deletes the file of an import that failed while its file came.
func (s *Service) drop(im storage.Import, n Note) error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanTime)
	defer cancel()
	n.Fault = FaultBroken
	failed, err := with(im, storage.ImportFailed, n, time.Now())
	return errors.Join(err, s.Store.ChangeImport(ctx, im, failed), s.Store.RemoveImportParts(ctx, im.TenantID, im.ID))
}

// Find returns an import of the asker's tenant.
func (s *Service) Find(ctx context.Context, a people.Asker, id string) (Job, error) {
	im, err := s.Store.Import(ctx, a.Tenant.ID, id)
	if err != nil {
		return Job{}, err
	}
	return jobOf(im, time.Now())
}

// Await is Find that waits for a short time until no server works at the import.
func (s *Service) Await(ctx context.Context, a people.Asker, id string, most time.Duration) (j Job, err error) {
	for end := time.Now().Add(most); ; {
		j, err = s.Find(ctx, a, id)
		if err != nil || !j.Working() || time.Now().After(end) {
			return j, err
		}
		select {
		case <-ctx.Done():
			return j, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Latest lists the latest imports of the asker's tenant, newest first.
func (s *Service) Latest(ctx context.Context, a people.Asker, limit int) (all []Job, err error) {
	now := time.Now()
	found, err := s.Store.ImportsOf(ctx, a.Tenant.ID, limit)
	for _, im := range found {
		if now.After(im.ExpiresAt) {
			continue
		}
		j, err := jobOf(im, now)
		if err != nil {
			return nil, err
		}
		all = append(all, j)
	}
	return all, err
}

// Lines lists what was not imported, from behind a number on, and returns the number of the last.
func (s *Service) Lines(
	ctx context.Context, a people.Asker, id string, after int64, limit int,
) (all []Line, last int64, err error) {
	found, err := s.Store.ImportLines(ctx, a.Tenant.ID, id, after, limit)
	for _, one := range found {
		var l Line
		if err := json.Unmarshal(one.Data, &l); err != nil {
			return nil, 0, err
		}
		all, last = append(all, l), one.N
	}
	return all, last, err
}

// Add has a server add the users of a file that was checked. storage.ErrStale: it is not checked, or no longer waits.
func (s *Service) Add(ctx context.Context, a people.Asker, home, id string) error {
	im, err := s.Store.Import(ctx, a.Tenant.ID, id)
	if err != nil {
		return err
	}
	j, err := jobOf(im, time.Now())
	if err != nil {
		return err
	}
	if j.State != storage.ImportChecked {
		return storage.ErrStale
	}
	j.Actor, j.Home, j.RequestID, j.IP = a.Actor, home, a.RequestID, a.IP
	j.Read, j.Lines, j.Furthest, j.Tries = 0, 0, 0, 0
	adding, err := with(im, storage.ImportAdding, j.Note, im.ExpiresAt)
	if err != nil {
		return err
	}
	if err := s.Store.ChangeImport(ctx, im, adding); err != nil {
		return err
	}
	s.start()
	return nil
}

// Stop ends an import, or discards a file that waits. Users who were added stay. An import that is over stays as it is.
func (s *Service) Stop(ctx context.Context, a people.Asker, id string) error {
	for {
		im, err := s.Store.Import(ctx, a.Tenant.ID, id)
		if err != nil {
			return err
		}
		j, err := jobOf(im, time.Now())
		if err != nil || !j.Working() && j.State != storage.ImportChecked {
			return err
		}
		stopped, err := with(im, storage.ImportStopped, j.Note, time.Now().Add(KeptResult))
		if err != nil {
			return err
		}
		err = s.Store.ChangeImport(ctx, im, stopped)
		if errors.Is(err, storage.ErrStale) {
			continue // a server has begun or ended with it
		}
		return err
	}
}

// start has this server look for work.
func (s *Service) start() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// box seals files of the tenant. They are kept for a day at most: they are not sealed anew when a master secret is
// replaced.
func (s *Service) box(tenant string) *secret.Box { return s.Secrets.Box(tenant, secret.ImportedFile) }

// clip bounds what is kept of a text.
func clip(text string) string {
	if runes := []rune(text); len(runes) > 254 {
		return string(runes[:254])
	}
	return text
}
