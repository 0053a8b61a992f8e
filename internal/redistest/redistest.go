// Package redistest starts a real Redis for tests: one server for each test process, in a temporary
// folder and on a free port. What else runs on the machine does not matter.
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

	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// databases is how many tests of one process can have a database of their own.
const databases = 1024

// Server is a Redis that a test may stop and start.
type Server struct {
	daemon *testdaemon.Daemon
	given  atomic.Int64
}

// shared is the server of this process. It ends with the process.
var shared = sync.OnceValues(func() (*Server, error) { return Run() })

// Start returns the URL of an empty database on the server of this process.
func Start(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s.NewDatabase()
}

// StartServer returns a server for one test, which may stop and start it. arguments are further
// arguments of redis-server. The server ends with the test.
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

// Run starts a server for callers outside of a test, such as TestMain. It ends with the process at
// the latest.
func Run(arguments ...string) (*Server, error) {
	return run(func(s *Server) ([]string, error) {
		return append([]string{
			"--bind", "127.0.0.1", "--port", strconv.Itoa(s.daemon.Port), "--dir", s.daemon.Folder,
			"--save", "", "--appendonly", "no", "--databases", strconv.Itoa(databases),
		}, arguments...), nil
	})
}

// run starts redis-server with the arguments that the function returns for it.
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
	d.Ready = testdaemon.Listening(s.Address())
	if err := d.Start(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

// Address returns HOST:PORT.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.daemon.Port)) }

// URL returns the URL of the server's first database.
func (s *Server) URL() string { return "redis://" + s.Address() + "/0" }

// NewDatabase returns the URL of a database that no other test of this process has.
func (s *Server) NewDatabase() string {
	return fmt.Sprintf("redis://%s/%d", s.Address(), s.given.Add(1)%databases)
}

// Stop kills the server. Its data is lost.
func (s *Server) Stop() error { return s.daemon.Stop("KILL") }

// Start starts a stopped server at the same address. It is empty.
func (s *Server) Start() error { return s.daemon.Start() }

// Close stops the server and removes its folder.
func (s *Server) Close() error { return s.daemon.Close() }
