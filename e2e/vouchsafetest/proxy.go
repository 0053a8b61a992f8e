package vouchsafetest

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// Replicas is how many replicas a third shape has, if a package sets it. They run behind a proxy,
// and Each runs its tests through the proxy as well.
var Replicas int

// ServedBy is the header in which the proxy of the tests says which replica answered.
const ServedBy = "X-Replica"

// StartBehindProxy starts n replicas behind a proxy for one test. site is what users see, at the
// address of the proxy.
func StartBehindProxy(t testing.TB, n int, o Options) (site *Server, replicas []*Server) {
	t.Helper()
	s, err := prepareFront(n, o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.endWith(t)
	return s, s.front.replicas
}

// StartBehind starts a server for one test that expects a proxy on this machine, which terminates TLS
// at that port. site is what users see: the server at the address of the proxy. behind is the server
// as the proxy sees it.
func StartBehind(t testing.TB, port int, o Options) (site, behind *Server) {
	t.Helper()
	env := map[string]string{
		"VOUCHSAFE_ISSUER":          "https://localhost:" + strconv.Itoa(port),
		"VOUCHSAFE_TRUSTED_PROXIES": "127.0.0.1",
	}
	maps.Copy(env, o.Env)
	o.Env = env
	behind, err := prepare(o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	behind.Issuer, behind.plain = env["VOUCHSAFE_ISSUER"], true
	if err := behind.start(); err != nil {
		t.Fatal(err)
	}
	behind.endWith(t)
	copied := *behind
	copied.Address, copied.plain = "127.0.0.1:"+strconv.Itoa(port), false
	return &copied, behind
}

// prepareFront makes the files and settings of n replicas and their proxy.
func prepareFront(n int, o Options, dir string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	env := map[string]string{
		"VOUCHSAFE_ISSUER":          "https://localhost:" + port,
		"VOUCHSAFE_TRUSTED_PROXIES": "127.0.0.1",
		"VOUCHSAFE_STOP_DELAY":      "3s", // the default in production
		"VOUCHSAFE_TLS_CERT":        "",   // the proxy terminates TLS
		"VOUCHSAFE_TLS_KEY":         "",
	}
	maps.Copy(env, o.Env)
	o.Production, o.Env = true, env
	first, err := prepare(o, dir)
	if err != nil {
		return nil, err
	}
	first.Issuer, first.plain = env["VOUCHSAFE_ISSUER"], true
	first.env["VOUCHSAFE_LISTEN"] = first.Address
	all := []*Server{first}
	for range n - 1 {
		r, err := first.replica()
		if err != nil {
			return nil, err
		}
		r.plain, r.log = true, first.log
		all = append(all, r)
	}
	site := *first
	site.Name, site.Address, site.plain = "replicas", "127.0.0.1:"+port, false
	site.front = &front{replicas: all}
	return &site, site.prepareProxy(port)
}

func (s *Server) prepareProxy(port string) error {
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	pem, err := s.Certificate.bundle()
	if err != nil {
		return err
	}
	var addresses []string
	for _, r := range s.front.replicas {
		addresses = append(addresses, r.Address)
	}
	s.front.proxy, err = NewProxy(n, pem, addresses)
	return err
}

// NewProxy returns HAProxy with the configuration of examples/proxies and these addresses,
// ready to be started. With pem, a certificate and its key, it speaks TLS, and otherwise plain
// HTTP.
func NewProxy(port int, pem string, replicas []string) (*testdaemon.Daemon, error) {
	program, err := haproxy()
	if err != nil {
		return nil, err
	}
	d, err := testdaemon.New("haproxy", "haproxy", "nobody")
	if err != nil {
		return nil, err
	}
	d.Port, d.Last = port, "TERM"
	bind := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	address := bind
	if pem != "" {
		file, err := d.WriteFile("tls.pem", pem)
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		bind += " ssl crt " + file
	}
	config, err := proxyConfig(bind, replicas)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	file, err := d.WriteFile("haproxy.cfg", config)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.Command = []string{program, "-db", "-f", file}
	d.Ready = func() error {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	return d, nil
}

// haproxy returns the path of the program. Debian installs it where only root's PATH leads.
func haproxy() (string, error) {
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("these tests need haproxy: run make setup")
}

var (
	bindLine   = regexp.MustCompile(`(?m)^(\s+)bind .*$`)
	serverLine = regexp.MustCompile(`(?m)^\s+server .*\n`)
)

func proxyConfig(bind string, replicas []string) (string, error) {
	root, err := buildtest.Root()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, "examples", "proxies", "haproxy.cfg"))
	if err != nil {
		return "", err
	}
	config := string(text)
	if !bindLine.MatchString(config) || !serverLine.MatchString(config) {
		return "", errors.New("examples/proxies/haproxy.cfg has no bind or no server")
	}
	config = bindLine.ReplaceAllString(config, "${1}bind "+bind)
	config = serverLine.ReplaceAllString(config, "")
	var out strings.Builder
	out.WriteString("global\n    nbthread 2\n    log stdout format raw local0 notice\n")
	out.WriteString(strings.TrimRight(config, "\n") + "\n    http-response set-header " + ServedBy + " %s\n")
	for i, r := range replicas {
		fmt.Fprintf(&out, "    server r%d %s\n", i, r)
	}
	return out.String(), nil
}

// start starts the replicas at the same time, and then the proxy.
func (f *front) start() error {
	errs := make(chan error, len(f.replicas))
	for _, r := range f.replicas {
		go func() { errs <- r.start() }()
	}
	var err error
	for range f.replicas {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		return err
	}
	return f.proxy.Start()
}

// stop stops the proxy, and then all replicas at the same time.
func (f *front) stop() error {
	errs := make(chan error, len(f.replicas))
	err := f.proxy.Close()
	for _, r := range f.replicas {
		if r.life == nil {
			errs <- nil
			continue
		}
		go func() { errs <- r.Stop() }()
	}
	for range f.replicas {
		err = errors.Join(err, <-errs)
	}
	return err
}

// shared returns an error unless all replicas got about the same number of requests, not counting
// health checks.
func (f *front) shared() error {
	var counts []int
	for _, r := range f.replicas {
		n, err := r.Served()
		if err != nil {
			return err
		}
		counts = append(counts, n)
	}
	for _, n := range counts {
		if 2*n < counts[0] || n > 2*counts[0] {
			return fmt.Errorf("the replicas served %v requests: the proxy does not alternate", counts)
		}
	}
	return nil
}
