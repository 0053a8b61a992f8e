package vouchsafetest

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// Server is one running Vouchsafe.
type Server struct {
	// Name is its shape: embedded or production.
	Name string
	// TenantID is the tenant that Issuer is.
	TenantID string
	// Issuer is its URL.
	Issuer string
	// Address is where it listens: replicas share the issuer and differ here.
	Address string
	// Operations is the URL of /metrics, /healthz and /readyz.
	Operations string
	// Dir holds its files: data, clients.yaml, certificates.
	Dir string
	// Database is the URL of its PostgreSQL database, or "".
	Database string
	// Redis is the URL of its Redis, or "".
	Redis string
	// Certificate is the one it serves with; nil on http.
	Certificate *Certificate
	// KeyHost serves the keys of the client "remote".
	KeyHost *KeyHost

	env    map[string]string
	under  []string
	binary string
	log    *logBuffer
	life   *life // the last one
	people *people
	plain  bool   // a proxy speaks TLS for it
	front  *front // it is the proxy, and these are behind it
}

// Options are what a test wants to be different.
type Options struct {
	Production bool
	// Replicas is how many stand behind a proxy; 0 is one server without.
	Replicas int
	// Env are settings: "VOUCHSAFE_CODE_LIFETIME": "1s".
	Env map[string]string
	// Clients are declared beside the usual ones.
	Clients []Client
	// Under is a command that ends by running the one that is appended to it, in the same
	// process: for other limits, another view of the files, another stderr.
	Under []string
	// Shipped runs the program without the race detector, whose memory is another.
	Shipped bool
	// Clock, when set, is the server's, which is then one without the race detector.
	Clock *Clock
}

// Start starts a server for one test, which ends with it.
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

// TryStart is Start for servers that may refuse to.
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
	bin, err := program()
	if o.Shipped {
		bin, err = Build(false)
	}
	if o.Clock != nil {
		bin, err = buildClocked()
		o.Under = append(o.Under, "env", "TEST_CLOCK="+o.Clock.file)
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
		// Clients' keys are served by the tests, on this machine.
		"VOUCHSAFE_ALLOW_PRIVATE_FETCH": "true",
		"GORACE":                        "halt_on_error=0 atexit_sleep_ms=0",
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

// Replica starts another process on the same database, with the same issuer.
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

// StartTogether starts replicas at the same moment, on an empty database.
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
		Name: s.Name, TenantID: s.TenantID, Issuer: s.Issuer, Dir: s.Dir, Database: s.Database, Certificate: s.Certificate, KeyHost: s.KeyHost,
		Address: "127.0.0.1:" + port, Operations: "http://127.0.0.1:" + opsPort,
		env: maps.Clone(s.env), binary: s.binary, log: &logBuffer{}, people: s.people,
	}
	r.env["VOUCHSAFE_LISTEN"] = r.Address
	r.env["VOUCHSAFE_METRICS_LISTEN"] = "127.0.0.1:" + opsPort
	return r, nil
}

// client is an HTTP client that connects to this server whatever the URL's host, from
// the given address, and follows no redirect.
func (s *Server) client(from net.IP) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp4", s.Address)
		},
		MaxIdleConnsPerHost: 64,
		TLSClientConfig:     &tls.Config{RootCAs: s.Certificate.Roots, ServerName: "localhost"},
		DisableCompression:  true,
	}
	if s.plain {
		transport.DialTLSContext = transport.DialContext
	}
	return &http.Client{
		Transport: transport, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// freePort is testdaemon.FreePort, in decimal.
func freePort() (string, error) {
	port, err := testdaemon.FreePort()
	return strconv.Itoa(port), err
}
