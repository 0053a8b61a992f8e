package vouchsafetest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is one running Vouchsafe.
type Server struct {
	// Name is its shape: embedded or production.
	Name string
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
	// Certificate is the one it serves with; nil on http.
	Certificate *Certificate
	// KeyHost serves the keys of the client "remote".
	KeyHost *KeyHost

	env    map[string]string
	binary string
	log    *logBuffer
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it exited
	people people
}

// Options are what a test wants to be different.
type Options struct {
	Production bool
	// Env are settings: "VOUCHSAFE_CODE_LIFETIME": "1s".
	Env map[string]string
	// Clients are declared beside the usual ones.
	Clients []Client
}

// Start starts a server for one test, which ends with it.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := prepare(o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop the %s server: %v", s.Name, err)
		}
		if fault := s.log.faults(); fault != "" {
			t.Errorf("the server logged:\n%s", fault)
		}
	})
	showLog(t, s)
	return s
}

// showLog prints the end of the server's log when the test fails.
func showLog(t testing.TB, s *Server) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the log of the %s server:\n%s", s.Name, s.log.tail(12))
		}
	})
}

// prepare makes the files and settings of a server.
func prepare(o Options, dir string) (*Server, error) {
	bin, err := program()
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
		Name: "embedded", Dir: dir, binary: bin, log: &logBuffer{},
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
		"GORACE":                        "halt_on_error=0 history_size=2",
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
		redis, err := redisURL()
		if err != nil {
			return nil, err
		}
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
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	opsPort, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	r := &Server{
		Name: s.Name, Issuer: s.Issuer, Dir: s.Dir, Database: s.Database, Certificate: s.Certificate,
		Address: "127.0.0.1:" + port, Operations: "http://127.0.0.1:" + opsPort,
		env: maps.Clone(s.env), binary: s.binary, log: &logBuffer{},
	}
	r.env["VOUCHSAFE_LISTEN"] = r.Address
	r.env["VOUCHSAFE_METRICS_LISTEN"] = "127.0.0.1:" + opsPort
	r.env["VOUCHSAFE_ISSUER"] = s.Issuer
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Errorf("stop the replica: %v", err)
		}
	})
	showLog(t, r)
	return r
}

// start runs `vouchsafe serve` and waits until it serves.
func (s *Server) start() error {
	s.cmd = exec.Command(s.binary, "serve")
	s.cmd.Dir = s.Dir
	s.cmd.Env = s.environment()
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := s.client(nil)
	defer client.CloseIdleConnections()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Issuer+"/.well-known/openid-configuration", nil)
		if err != nil {
			return err
		}
		if res, err := client.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.exited:
			return fmt.Errorf("the %s server stopped at its start: %v\n%s", s.Name, s.err, s.log.tail(30))
		case <-ctx.Done():
			_ = s.Stop()
			return fmt.Errorf("the %s server does not serve within a minute\n%s", s.Name, s.log.tail(30))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// environment is that of the process: the settings, and of ours only what a process
// needs, so that whoever runs the tests cannot change what they test.
func (s *Server) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "TMPDIR=" + os.TempDir()}
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, name+"="+s.env[name])
	}
	return env
}

// Stop ends the server as a process manager does, and says what was wrong with that.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	select {
	case <-s.exited:
	case <-time.After(45 * time.Second):
		s.Kill()
		return errors.New("it does not stop on SIGTERM")
	}
	var exit *exec.ExitError
	if errors.As(s.err, &exit) && exit.ExitCode() < 0 {
		return nil // killed by the test
	}
	return s.err
}

// Kill ends the server as a power cut does.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// Restart starts the server again with the same files and address.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Set changes a setting, for the next Restart and for commands.
func (s *Server) Set(name, value string) { s.env[name] = value }

// Log is all that the server wrote.
func (s *Server) Log() string { return s.log.String() }

// Pid is that of the process.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Command runs another command of the program with the server's settings.
func (s *Server) Command(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	out, err := s.command(stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *Server) command(stdin string, args ...string) (string, error) {
	cmd := exec.Command(s.binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = s.Dir, s.environment(), strings.NewReader(stdin)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("vouchsafe %s: %w\n%s%s", strings.Join(args, " "), err, errs.String(), out)
	}
	return string(out), nil
}

// Ops reads a page of the operator's listener.
func (s *Server) Ops(t testing.TB, path string) (int, string) {
	t.Helper()
	res, err := http.Get(s.Operations + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
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
	return &http.Client{
		Transport: transport, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
