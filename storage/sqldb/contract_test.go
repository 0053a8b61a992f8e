package sqldb_test

import (
	"path/filepath"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// engines are the databases that the contract is tested on.
var engines = []struct {
	name string
	url  func(t testing.TB) string
}{
	{"memory", func(testing.TB) string { return "sqlite::memory:" }},
	{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "vouchsafe.db") }},
	{"postgres", pgtest.Start},
}

// eachEngine runs a test with an open and migrated store of each engine.
func eachEngine(t *testing.T, test func(t *testing.T, s *sqldb.Store)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { test(t, open(t, e.url(t))) })
	}
}

func open(t testing.TB, url string) *sqldb.Store {
	t.Helper()
	s, err := sqldb.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *sqldb.Store) { storagetest.Durable(t, s) })
}
