package vouchsafetest

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
)

// One PostgreSQL and one Redis serve all servers of a test process. Each server has a database of
// its own in both. They end with the process.
var (
	postgres = sync.OnceValues(pgtest.Run)
	redis    = sync.OnceValues(func() (*redistest.Server, error) { return redistest.Run() })
)

// newDatabase makes an empty database on the PostgreSQL server that the tests of a process share, and returns its URL.
func newDatabase() (string, error) {
	s, err := postgres()
	if err != nil {
		return "", err
	}
	return s.NewDatabase()
}

// newRedis returns the URL of an empty database of the Redis server that the tests of a process share.
func newRedis() (string, error) {
	s, err := redis()
	if err != nil {
		return "", err
	}
	return s.NewDatabase(), nil
}

// CutDatabase makes the production server's database refuse connections, and ends those that are
// open. back undoes it.
func (s *Server) CutDatabase(t testing.TB) (back func()) {
	t.Helper()
	config, err := pgx.ParseConfig(s.Database)
	if err != nil {
		t.Fatal(err)
	}
	name := config.Database
	admin := func(statements ...string) {
		t.Helper()
		pg, err := postgres()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, pg.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	admin("ALTER DATABASE "+name+" ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+name+"'")
	back = sync.OnceFunc(func() { admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true") })
	t.Cleanup(back)
	return back
}

// Dump returns everything in the database as text: each row of PostgreSQL with its bytes decoded,
// or the files of SQLite as they are on disk.
func (s *Server) Dump(t testing.TB) string {
	t.Helper()
	if s.Database == "" {
		return s.dumpFiles(t)
	}
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, s.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND "+
		"table_type = 'BASE TABLE'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		rows, err := conn.Query(ctx, "SELECT r::text FROM "+pgx.Identifier{table}.Sanitize()+" r")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			_, _ = fmt.Fprintln(&out, table, line)
			for _, hexadecimal := range byteas.FindAllString(line, -1) {
				raw, err := hex.DecodeString(hexadecimal)
				if err == nil {
					_, _ = fmt.Fprintf(&out, "%s\n", raw)
				}
			}
		}
	}
	return out.String()
}

// byteas matches the bytes in the text of a row, such as \\x00ff.
var byteas = regexp.MustCompile(`(?:[0-9a-f]{2}){8,}`)

func (s *Server) dumpFiles(t testing.TB) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.env["VOUCHSAFE_DATA"], "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, file := range files {
		if !strings.Contains(filepath.Base(file), "db") && !strings.Contains(filepath.Base(file), "sqlite") {
			continue // the master secret is not part of the database
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(raw)
	}
	return out.String()
}
