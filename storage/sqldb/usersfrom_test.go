package sqldb

import (
	"fmt"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestNamesThatTheReleaseBeforeStoredAreIndexed changes profiles with the statements of a release that knows no search
// terms.
func TestNamesThatTheReleaseBeforeStoredAreIndexed(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *Store{
		"sqlite":   func(t *testing.T) *Store { return openFile(t) },
		"postgres": func(t *testing.T) *Store { return openMigrated(t, pgtest.Start(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := open(t), t.Context()
			const before = `
				INSERT INTO users (tenant_id, id, username, username_key, email, email_key, email_verified, phone,
					phone_verified, profile, roles, disabled, credential_version, created_at, updated_at)
				VALUES ('default', $1, '', '', '', '', FALSE, '', FALSE, $2, '[]', FALSE, 1, 0, 0)`
			for i := range 60 {
				id, profile := fmt.Sprint("old", i), fmt.Sprintf(`{"name":"Old Number%d"}`, i)
				if _, err := engine.Put(ctx, s.engine, before, id, profile); err != nil {
					t.Fatal(err)
				}
			}
			u := storage.User{TenantID: "default", ID: "new", Profile: storage.Profile{Name: "Ann Smith"}}
			if err := storagetest.AddUser(ctx, s, u, nil, nil); err != nil {
				t.Fatal(err)
			}
			const rename = `UPDATE users SET profile = $1 WHERE id = 'new'`
			if _, err := engine.Put(ctx, s.engine, rename, `{"name":"Ann Jones"}`); err != nil {
				t.Fatal(err)
			}
			finds := func(beginning string, want int) {
				t.Helper()
				span := storage.UserSpan{By: storage.ByName, From: beginning, To: beginning + "\U0010FFFF"}
				all, err := s.UsersIn(ctx, "default", span, storage.UserPlace{}, 99)
				if err != nil || len(all) != want {
					t.Errorf("%s finds %d users, %v, want %d", beginning, len(all), err, want)
				}
			}
			finds("number", 0)
			finds("jones", 0)
			s.worker.Most = 7
			if n, err := s.IndexNames(ctx); err != nil || n != 61 {
				t.Errorf("indexed %d, %v, want 61", n, err)
			}
			if n, err := s.IndexNames(ctx); err != nil || n != 0 {
				t.Errorf("indexed %d again, %v, want none", n, err)
			}
			finds("number", 60)
			finds("old number7", 1)
			finds("jones", 1)
			finds("smith", 0)
		})
	}
}
