// Package redistest gives tests a real Redis: one server for each test process, in a
// temporary folder and on a free port, so that nothing running on the machine matters.
package redistest

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// databases is how many tests of one process may have a database of their own.
const databases = 1024

// Server is a Redis that tests may stop and start.
type Server struct {
	daemon *testdaemon.Daemon
	given  atomic.Int64
}

// shared is the server of this process. It stops when the process ends.
var shared = sync.OnceValues(func() (*Server, error) { return Run() })

// Start is the URL of an empty database on the server that this process shares.
func Start(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s.NewDatabase()
}

// StartServer is a server of the test's own, to be stopped and started, with further
// arguments of redis-server. It is closed when the test ends.
func StartServer(t testing.TB, arguments ...string) *Server {
	t.Helper()
	s, err := Run(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close Redis: %v", err)
		}
	})
	return s
}

// Run starts a server, for callers that have no test, such as TestMain. It stops, at the
// latest, when the process ends.
func Run(arguments ...string) (*Server, error) {
	return run(func(s *Server) ([]string, error) {
		return append([]string{
			"--bind", "127.0.0.1", "--port", strconv.Itoa(s.daemon.Port), "--dir", s.daemon.Folder,
			"--save", "", "--appendonly", "no", "--databases", strconv.Itoa(databases),
		}, arguments...), nil
	})
}

func run(arguments func(*Server) ([]string, error)) (*Server, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("these tests need redis-server: run make setup")
	}
	d, err := testdaemon.New("redis", "redis", "nobody")
	if err != nil {
		return nil, err
	}
	d.Last = "KILL"
	s := &Server{daemon: d}
	given, err := arguments(s)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.Command = append([]string{program}, given...)
	d.Ready = func() error {
		conn, err := net.DialTimeout("tcp", s.Address(), time.Second)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	if err := d.Start(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

// Address is host:port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.daemon.Port)) }

// URL is the URL of the server's first database.
func (s *Server) URL() string { return "redis://" + s.Address() + "/0" }

// NewDatabase is the URL of a database that was given to nobody yet.
func (s *Server) NewDatabase() string {
	return fmt.Sprintf("redis://%s/%d", s.Address(), s.given.Add(1)%databases)
}

// Stop kills the server: what it held is lost.
func (s *Server) Stop() error { return s.daemon.Stop("KILL") }

// Start starts a stopped server at the same address, empty.
func (s *Server) Start() error { return s.daemon.Start() }

// Close stops the server and removes its folder.
func (s *Server) Close() error { return s.daemon.Close() }
