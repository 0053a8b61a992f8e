package pgtest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// StartStandby starts a synchronous copy of the server, which ends with the test. From then on the
// server commits nothing that the copy does not have.
func (s *Server) StartStandby(t testing.TB) *Server {
	t.Helper()
	standby, err := s.standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Close(); err != nil {
			t.Errorf("close the standby: %v", err)
		}
	})
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if err := s.do(statement); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		n, err := s.count("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
		if err == nil && n == 1 {
			return standby
		}
		if time.Now().After(end) {
			t.Fatalf("the standby does not follow: %v", err)
		}
	}
}

// standby starts a copy of the server.
func (s *Server) standby() (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	d, err := testdaemon.New("postgres", "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(d.Folder, "data")
	err = d.Run(filepath.Join(bin, "pg_basebackup"), "--pgdata", data, "--write-recovery-conf",
		"--checkpoint=fast", "--no-sync",
		"--dbname", s.URL()+"&application_name=standby")
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.Command = command(bin, data, d.Port)
	d.Last = "QUIT"
	standby := &Server{daemon: d}
	d.Ready = func() error { _, err := standby.count("SELECT 1"); return err }
	if err := d.Start(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return standby, nil
}

// Promote makes a standby the primary. It returns when the server accepts writes.
func (s *Server) Promote() error {
	return s.do("SELECT pg_promote(true, 60)")
}

// HostPort returns HOST:PORT.
func (s *Server) HostPort() string { return "127.0.0.1:" + strconv.Itoa(s.daemon.Port) }

// Hosts returns the URL of a database with the addresses of other servers added. The client then
// uses the one that accepts writes.
func Hosts(url string, others ...*Server) (string, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return "", err
	}
	host := fmt.Sprintf("%s:%d", config.Host, config.Port)
	all := host
	for _, o := range others {
		all += "," + o.HostPort()
	}
	return strings.Replace(url, host, all, 1) + "&target_session_attrs=read-write", nil
}

// count returns the number that a query selects.
func (s *Server) count(query string) (n int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, query).Scan(&n)
	return n, err
}
