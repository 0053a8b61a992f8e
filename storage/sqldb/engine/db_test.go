package engine

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// db is a database for a test, with its schema.
type db struct {
	engine Engine
	close  func() error // once
}

// openMigrated opens the database of the URL, for as long as the test runs.
func openMigrated(t testing.TB, url string) *db {
	t.Helper()
	e, _, err := Open(context.Background(), url, new(Meter))
	if err != nil {
		t.Fatal(err)
	}
	d := &db{engine: e, close: sync.OnceValue(e.Close)}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// openFile opens a new file of SQLite.
func openFile(t testing.TB) *db {
	t.Helper()
	return openMigrated(t, "sqlite:"+filepath.Join(t.TempDir(), "vouchsafe.db"))
}

const (
	spend = `
		INSERT INTO spent_values (tenant_id, purpose, hash, expires_at)
		VALUES ('default', 'test', $1, 1)
		ON CONFLICT DO NOTHING`
	countSpent   = `SELECT COUNT(*) FROM spent_values WHERE tenant_id = 'default' AND purpose = 'test' AND hash = $1`
	countTenants = `SELECT COUNT(*) FROM tenants`
)

// spendIn returns work that spends a value.
func spendIn(value string) func(Conn) error {
	return func(c Conn) error {
		n, err := c.Exec(spend, []byte(value))
		if err == nil && n == 0 {
			return storage.ErrExists
		}
		return err
	}
}

// isSpentNow fails the test unless the value is spent, or not, as wanted.
func isSpentNow(t *testing.T, d *db, value string, wanted bool) {
	t.Helper()
	n, err := d.count(t.Context(), countSpent, []byte(value))
	if err != nil || n > 0 != wanted {
		t.Errorf("%s: got %d, %v, want %v", value, n, err, wanted)
	}
}

// count runs a query for a number.
func (d *db) count(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = d.engine.Read(ctx, func(c Conn) error { return c.Row(query, args...).Scan(&n) })
	return n, err
}
