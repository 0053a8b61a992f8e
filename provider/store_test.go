package provider

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// onEveryDatabase runs a test on SQLite and on PostgreSQL: what the database referees is
// to be shown on both.
func onEveryDatabase(t *testing.T, test func(t *testing.T, s *tokenServer)) {
	t.Run("SQLite", func(t *testing.T) { test(t, startTokens(t)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, startTokensOn(t, openDatabase(t, pgtest.Start(t)), memory.New()))
	})
}

// openTestStore is a new SQLite database in memory, and an ephemeral store beside it.
func openTestStore(t testing.TB) (testStore, ephemeral.Store) {
	t.Helper()
	return openDatabase(t, "sqlite::memory:"), memory.New()
}

func openDatabase(t testing.TB, url string) testStore {
	t.Helper()
	store, err := sqldb.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}
