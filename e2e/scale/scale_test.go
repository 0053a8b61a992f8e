// Package scale checks what the program promises for large installations, with thousands of rows in
// the place of millions. `go run ./bench -fill 1000000 -scale` measures the same with millions.
package scale

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver of an embedded server's file

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/crowd"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

// both runs the test with SQLite, and with PostgreSQL and Redis.
func both(t *testing.T, test func(t *testing.T, production bool)) {
	for _, production := range []bool{false, true} {
		t.Run(map[bool]string{false: "embedded", true: "production"}[production], func(t *testing.T) {
			t.Parallel()
			test(t, production)
		})
	}
}

// database returns the server's database in the form that Crowd.Fill needs.
func database(s *vouchsafetest.Server) string {
	if s.Database != "" {
		return s.Database
	}
	return filepath.Join(s.Setting("VOUCHSAFE_DATA"), "vouchsafe.db")
}

func fill(t *testing.T, s *vouchsafetest.Server, c crowd.Crowd) {
	t.Helper()
	if c.Tenant == "" {
		c.Tenant = "default"
	}
	if err := c.Fill(t.Context(), database(s), nil); err != nil {
		t.Fatal(err)
	}
}

// count returns the result of a query that counts.
func count(t *testing.T, s *vouchsafetest.Server, query string, args ...any) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if strings.HasPrefix(database(s), "postgres") {
		conn, err := pgx.Connect(ctx, s.Database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if err := conn.QueryRow(ctx, query, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	db, err := sql.Open("sqlite", "file:"+database(s)+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// change runs a statement in the server's database.
func change(t *testing.T, s *vouchsafetest.Server, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if strings.HasPrefix(database(s), "postgres") {
		conn, err := pgx.Connect(ctx, s.Database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
		return
	}
	db, err := sql.Open("sqlite", "file:"+database(s)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the query counts so many.
func eventually(t *testing.T, s *vouchsafetest.Server, want int, query string, args ...any) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		got := count(t, s, query, args...)
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %d, want %d of %s", got, want, query)
		}
	}
}

// stopAndStart restarts the server, which reads its files again.
func stopAndStart(t *testing.T, s *vouchsafetest.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s.Restart(t)
}
