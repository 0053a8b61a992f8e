// Package pgtest starts a real PostgreSQL for tests: one server for each test process, in a
// temporary folder and on a free port. What else runs on the machine does not matter.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// oldest is the oldest major version that Vouchsafe supports.
const oldest = 15

// Server is a PostgreSQL that a test may stop and start.
type Server struct{ daemon *testdaemon.Daemon }

// shared is the server of this process. It ends with the process.
var shared = sync.OnceValues(Run)

// Start returns the URL of a new, empty database on the server of this process. The database is
// dropped when the test ends.
func Start(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	url, err := s.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.drop(url); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return url
}

// StartServer returns a server for one test, which may stop and start it. It ends with the test.
func StartServer(t testing.TB) *Server {
	t.Helper()
	s, err := Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close PostgreSQL: %v", err)
		}
	})
	return s
}

// Run starts a server for callers outside of a test, such as TestMain. It ends with the process at
// the latest.
func Run() (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	d, err := testdaemon.New("postgres", "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(d.Folder, "data")
	// The collation is that of a language, as in many installations, because our order of records
	// must not depend on it.
	err = d.Run(filepath.Join(bin, "initdb"), "--pgdata", data, "--no-sync", "--auth=trust", "--username=postgres",
		"--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.Command = command(bin, data, d.Port)
	d.Last = "QUIT" // KILL would leave its child processes behind
	s := &Server{daemon: d}
	d.Ready = func() error { return s.do("SELECT 1") }
	if err := d.Start(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

// command returns the command line of a server.
func command(bin, data string, port int) []string {
	return []string{
		filepath.Join(bin, "postgres"), "-D", data,
		"-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(port), "-c", "unix_socket_directories=",
		"-c", "max_connections=300", "-c", "shared_buffers=64MB",
		// Frequent statistics make plans those of a database in use, and not those of empty tables.
		"-c", "autovacuum_naptime=1s",
		// Without fsync only a crash of the machine loses data, and tests do not need it
		// afterwards.
		"-c", "fsync=off", "-c", "full_page_writes=off",
	}
}

// programs returns the folder of the newest PostgreSQL that a package of Debian has installed.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	newest, folder := 0, ""
	for _, initdb := range found {
		bin := filepath.Dir(initdb)
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && v >= oldest && v > newest {
			newest, folder = v, bin
		}
	}
	if folder == "" {
		return "", fmt.Errorf("these tests need PostgreSQL %d or newer (/usr/lib/postgresql/*/bin/initdb): run make setup",
			oldest)
	}
	return folder, nil
}

// NewDatabase makes an empty database and returns its URL.
func (s *Server) NewDatabase() (string, error) {
	name := "test_" + strings.ToLower(rand.Text()[:16])
	if err := s.do("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	return s.url(name), nil
}

// URL returns the URL of the server's own database, for administration.
func (s *Server) URL() string { return s.url("postgres") }

func (s *Server) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.daemon.Port, database)
}

// drop drops the database, and ends its connections.
func (s *Server) drop(url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	return s.do("DROP DATABASE IF EXISTS " + config.Database + " WITH (FORCE)")
}

// do runs a statement in the server's own database.
func (s *Server) do(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// Stop stops the server and ends all connections, as an administrator does. With immediate it
// crashes instead, and recovers at the next start.
func (s *Server) Stop(immediate bool) error {
	if immediate {
		return s.daemon.Stop("QUIT")
	}
	return s.daemon.Stop("INT")
}

// Start starts a stopped server with the same address and data.
func (s *Server) Start() error { return s.daemon.Start() }

// Close stops the server and removes its data.
func (s *Server) Close() error { return s.daemon.Close() }
