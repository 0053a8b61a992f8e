package jobs

import (
	"errors"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// TestAFileThatBreaksOffLeavesNothing: neither an import to decide about, nor a part of the file. What breaks off is
// told from what ends.
func TestAFileThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	root := &url.URL{Scheme: "https", Host: "id.example.com"}
	s := New(Config{Store: store, Secrets: masters, Root: root, Log: slog.New(slog.DiscardHandler)})
	asker := people.Asker{Tenant: issuer.Of(root, storage.Tenant{ID: storage.DefaultTenant}), Actor: "administrator"}
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
