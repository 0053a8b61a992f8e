package jobs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// asker is the administrator of these tests.
var asker = people.Asker{Actor: "administrator",
	Tenant: issuer.Of(root, storage.Tenant{ID: storage.DefaultTenant})}

var root = &url.URL{Scheme: "https", Host: "id.example.com"}

// begin returns a database with the administrator, and a service that does nothing before Run.
func begin(t *testing.T) (*sqldb.Store, *Service) {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	u := storage.User{TenantID: storage.DefaultTenant, ID: asker.Actor, CredentialVersion: 1,
		AdminRole: storage.RoleOwner, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	if err := store.Apply(t.Context(), storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: u.CreatedAt,
		Add: &u}); err != nil {
		t.Fatal(err)
	}
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	return store, New(Config{Store: store, Secrets: masters, Root: root, Log: slog.New(slog.DiscardHandler)})
}

// TestAFileThatBreaksOffLeavesNothing: neither an import to decide about, nor a part of the file. What breaks off is
// told from what ends.
func TestAFileThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	store, s := begin(t)
	long := strings.Repeat(`{"email":"a@example.com"}`+"\n", 20_000)
	for name, fault := range map[string]error{"within": io.ErrUnexpectedEOF, "otherwise": errors.New("reset")} {
		body := io.MultiReader(strings.NewReader(long), iotest.ErrReader(fault))
		_, err := s.Receive(t.Context(), asker, storage.DefaultTenant, File{Name: name, Body: body})
		if !errors.Is(err, fault) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	all, err := store.ImportsOf(t.Context(), storage.DefaultTenant, 5)
	if err != nil || len(all) != 2 {
		t.Fatalf("got %v, %v", all, err)
	}
	for _, im := range all {
		if _, err := store.ImportPart(t.Context(), im.TenantID, im.ID, 0); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a part is kept: %v", err)
		}
		if j, err := s.Find(t.Context(), asker, im.ID); err != nil || j.Working() || j.ExpiresAt.After(time.Now()) {
			t.Errorf("got %+v, %v", j, err)
		}
	}
	id, err := s.Receive(t.Context(), asker, storage.DefaultTenant, File{Name: "whole", Body: strings.NewReader(long)})
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.Find(t.Context(), asker, id)
	if err != nil || j.State != storage.ImportChecking || j.Bytes != int64(len(long)) {
		t.Errorf("got %+v, %v", j, err)
	}
}

// dying is the database of a server that ends when it reads a part of a file.
type dying struct {
	Store
	part int64
	end  func()
}

// ImportPart ends the server, or reads the part.
func (d dying) ImportPart(ctx context.Context, tenant, id string, n int64) ([]byte, error) {
	if n == d.part {
		d.end()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return d.Store.ImportPart(ctx, tenant, id, n)
}

// TestAFileThatEndsServersIsGivenUp: it would end each replica in turn, for a day. Servers that got further than those
// before, or were stopped by their administrators, are no reason to give it up.
func TestAFileThatEndsServersIsGivenUp(t *testing.T) {
	t.Parallel()
	// serve has a server begin with the next import, and end.
	serve := func(t *testing.T, s *Service, part int64, killed bool) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c, end := s.Config, cancel
		if killed {
			end = runtime.Goexit
		}
		c.Store = dying{Store: c.Store, part: part, end: end}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = New(c).next(ctx)
		}()
		<-ended
	}
	row := `{"email":"a@example.com","username":"` + strings.Repeat("x", 1000) + `"}` + "\n"
	long := strings.Repeat(row, 3*partSize/len(row))
	for _, c := range []struct {
		name   string
		parts  []int64 // at which servers end, one after the other
		killed bool
		fault  string
	}{
		{"at its beginning", []int64{0, 0, 0}, true, FaultServer},
		{"later", []int64{1, 1, 1, 1}, true, FaultServer},
		{"not yet", []int64{0, 0}, true, ""},
		{"further each time", []int64{0, 1, 1, 2, 2}, true, ""},
		{"in order", []int64{0, 0, 0, 0, 0}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store, s := begin(t)
			id, err := s.Receive(t.Context(), asker, storage.DefaultTenant, File{Body: strings.NewReader(long)})
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range c.parts {
				serve(t, s, part, c.killed)
				im, err := store.Import(t.Context(), storage.DefaultTenant, id)
				if err != nil {
					t.Fatal(err)
				}
				left := im
				if left.LeaseEnds = (time.Time{}); im.State == storage.ImportChecking {
					err = store.ChangeImport(t.Context(), im, left) // as if the lease had ended
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			j, err := s.Find(t.Context(), asker, id)
			if err != nil || j.Fault != c.fault || j.Working() != (c.fault == "") {
				t.Errorf("got %+v, %v", j, err)
			}
		})
	}
}

// TestFilesAtTheSameTimeAreBounded: all of them find room before one of them is noted.
func TestFilesAtTheSameTimeAreBounded(t *testing.T) {
	t.Parallel()
	store, s := begin(t)
	const files = 12
	var began, ended sync.WaitGroup
	began.Add(files)
	s.Store = together{s.Store, &began}
	errs := make([]error, files)
	for i := range files {
		ended.Go(func() {
			_, errs[i] = s.Receive(t.Context(), asker, storage.DefaultTenant, File{Body: strings.NewReader("{}\n")})
		})
	}
	ended.Wait()
	taken := int64(0)
	for _, err := range errs {
		if err == nil {
			taken++
		} else if !errors.Is(err, ErrTooMany) {
			t.Error(err)
		}
	}
	n, err := store.CountOpenImports(t.Context(), storage.DefaultTenant, time.Now())
	if err != nil || taken > maxWaiting || n != taken {
		t.Errorf("%d of %d files were taken, and %d are kept, want at most %d: %v", taken, files, n, maxWaiting, err)
	}
}

// together is a database that adds no import before all are to be added.
type together struct {
	Store
	began *sync.WaitGroup
}

// AddImport waits for all others.
func (s together) AddImport(ctx context.Context, im storage.Import) error {
	s.began.Done()
	s.began.Wait()
	return s.Store.AddImport(ctx, im)
}
