package vouchsafetest

import (
	"maps"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// Options are the differences from a usual server.
type Options struct {
	Production bool
	// Replicas is how many replicas run behind a proxy. 0 means one server without a proxy.
	Replicas int
	// Env are settings, such as "VOUCHSAFE_CODE_LIFETIME": "1s".
	Env map[string]string
	// Clients are declared in addition to the usual ones.
	Clients []Client
	// Under is a command that executes the command line which follows it, in the same process. It
	// can set limits, or change the view of the files or the standard error.
	Under []string
	// Shipped runs the program without the race detector, which needs more memory.
	Shipped bool
	// Hashes makes passwords cost what they cost without settings. Elsewhere they are cheap.
	Hashes bool
	// Clock, unless nil, is the server's clock. The program then has no race detector.
	Clock *buildtest.Clock
}

// Start starts a server that ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Replicas > 0 {
		site, _ := StartBehindProxy(t, o.Replicas, o)
		return site
	}
	s, err := prepare(o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.endWith(t)
	return s
}

// endWith stops the server when the test ends.
func (s *Server) endWith(t testing.TB) {
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop the %s server: %v", s.Name, err)
		}
		if fault := s.log.faults(); fault != "" {
			t.Errorf("the server logged:\n%s", fault)
		}
	})
	showLog(t, s)
}

// TryStart is Start for servers that may refuse to start.
func TryStart(t testing.TB, o Options) (*Server, error) {
	t.Helper()
	s, err := prepare(o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s, nil
}

// showLog prints the end of the server's log when the test fails.
func showLog(t testing.TB, s *Server) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the log of the %s server:\n%s", s.Name, s.log.tail(8))
		}
	})
}

// prepare makes the files and settings of a server.
func prepare(o Options, dir string) (*Server, error) {
	bin, err := buildtest.Program()
	if o.Shipped {
		bin, err = buildtest.Build(false)
	}
	if o.Clock != nil {
		bin, err = buildtest.BuildClocked()
		o.Under = append(o.Under, "env", "TEST_CLOCK="+o.Clock.File)
	}
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	opsPort, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{
		Name: "embedded", TenantID: "default", Dir: dir, binary: bin, under: o.Under, log: &logBuffer{}, people: &people{},
		Issuer: "http://localhost:" + port, Address: "127.0.0.1:" + port,
		Operations: "http://127.0.0.1:" + opsPort,
	}
	s.env = map[string]string{
		"VOUCHSAFE_LISTEN":         "localhost:" + port,
		"VOUCHSAFE_METRICS_LISTEN": "127.0.0.1:" + opsPort,
		"VOUCHSAFE_DATA":           filepath.Join(dir, "data"),
		"VOUCHSAFE_CLIENTS":        filepath.Join(dir, "clients.yaml"),
		"VOUCHSAFE_LOG_FORMAT":     "json",
		// The tests serve the keys of clients on this machine.
		"VOUCHSAFE_ALLOW_PRIVATE_FETCH": "true",
		"GORACE":                        "halt_on_error=0 atexit_sleep_ms=0",
	}
	if !o.Hashes { // a third of the CPU time of these tests went into hashes
		s.env["VOUCHSAFE_ARGON2_MEMORY"], s.env["VOUCHSAFE_ARGON2_PASSES"] = "1024", "1"
	}
	if s.Certificate, err = NewCertificate(dir); err != nil {
		return nil, err
	}
	s.env["VOUCHSAFE_EXTRA_CA_FILE"] = s.Certificate.CertFile
	s.KeyHost = newKeyHost(s.Certificate)
	if o.Production {
		s.Name, s.Issuer = "production", "https://localhost:"+port
		if s.Database, err = newDatabase(); err != nil {
			return nil, err
		}
		redis, err := newRedis()
		if err != nil {
			return nil, err
		}
		s.Redis = redis
		maps.Copy(s.env, map[string]string{
			"VOUCHSAFE_DATABASE_URL": s.Database,
			"VOUCHSAFE_REDIS_URL":    redis,
			"VOUCHSAFE_SECRET":       "e2e-Zq8vK1mT0xWc5RrB7yLd3hNnJ6uPsG2f",
			"VOUCHSAFE_ISSUER":       s.Issuer,
			"VOUCHSAFE_TLS_CERT":     s.Certificate.CertFile,
			"VOUCHSAFE_TLS_KEY":      s.Certificate.KeyFile,
			"VOUCHSAFE_STOP_DELAY":   "0s",
		})
	}
	maps.Copy(s.env, o.Env)
	clients := append(Declared(), s.KeyHost.remote())
	return s, WriteClients(s.env["VOUCHSAFE_CLIENTS"], append(clients, o.Clients...))
}

// Replica starts another process with the same database and issuer.
func (s *Server) Replica(t testing.TB) *Server {
	t.Helper()
	r, err := s.replica()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	r.endWith(t)
	return r
}

// StartTogether starts n replicas at the same moment on an empty database.
func StartTogether(t testing.TB, n int) []*Server {
	t.Helper()
	first, err := prepare(Options{Production: true}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	all := []*Server{first}
	for range n - 1 {
		r, err := first.replica()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	errs := make(chan error, n)
	for _, s := range all {
		go func() { errs <- s.start() }()
	}
	for range all {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	for _, s := range all {
		s.endWith(t)
	}
	return all
}

func (s *Server) replica() (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	opsPort, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &Server{
		Name: s.Name, TenantID: s.TenantID, Issuer: s.Issuer, Dir: s.Dir, Database: s.Database,
		Certificate: s.Certificate, KeyHost: s.KeyHost,
		Address: "127.0.0.1:" + port, Operations: "http://127.0.0.1:" + opsPort,
		env: maps.Clone(s.env), binary: s.binary, log: &logBuffer{}, people: s.people,
	}
	r.env["VOUCHSAFE_LISTEN"] = r.Address
	r.env["VOUCHSAFE_METRICS_LISTEN"] = "127.0.0.1:" + opsPort
	return r, nil
}

// freePort returns a port that no other test uses, in decimal.
func freePort() (string, error) {
	port, err := testdaemon.FreePort()
	return strconv.Itoa(port), err
}

// Tenant adds a tenant with the usual clients, and returns the server with that tenant's issuer.
// The tenant has no users.
func (s *Server) Tenant(t testing.TB, id string) *Server {
	t.Helper()
	s.Command(t, "", "tenant", "add", id)
	s.Command(t, "", "client", "apply", filepath.Join(s.Dir, "clients.yaml"), "--tenant", id)
	return &Server{
		Name: s.Name, TenantID: id, Issuer: s.Issuer + "/t/" + id, Address: s.Address, Operations: s.Operations, Dir: s.Dir,
		Database: s.Database, Certificate: s.Certificate, KeyHost: s.KeyHost,
		env: s.env, binary: s.binary, log: s.log, life: s.life, people: s.people,
	}
}
