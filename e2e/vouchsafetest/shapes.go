package vouchsafetest

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// shape is a server that the tests of a package share.
type shape struct {
	name       string
	production bool
	replicated bool
	once       sync.Once
	server     *Server
	dir        string
	err        error
	started    bool
}

// Env are settings of the servers that the tests of a package share.
var Env map[string]string

var shapes = []*shape{{name: "embedded"}, {name: "production", production: true}, {name: "replicas", replicated: true}}

func (sh *shape) get() (*Server, error) {
	sh.once.Do(func() {
		if sh.dir, sh.err = os.MkdirTemp("", "vouchsafe-"+sh.name+"-"); sh.err != nil {
			return
		}
		s, err := sh.prepare()
		if err != nil {
			sh.err = err
			return
		}
		sh.server, sh.err = s, s.start()
		sh.started = sh.err == nil
	})
	return sh.server, sh.err
}

func (sh *shape) prepare() (*Server, error) {
	if sh.replicated {
		return prepareFront(Replicas, Options{Env: Env}, sh.dir)
	}
	return prepare(Options{Production: sh.production, Env: Env}, sh.dir)
}

// Each runs the test against each shape. The tests of a package share these servers: a test that
// changes settings, keys or tenants needs a server of its own, from Start.
func Each(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Helper()
	for _, sh := range shapes {
		if sh.replicated && Replicas == 0 {
			continue
		}
		t.Run(sh.name, func(t *testing.T) {
			t.Parallel()
			s, err := sh.get()
			if err != nil {
				t.Fatalf("the %s server: %v", sh.name, err)
			}
			showLog(t, s)
			test(t, s)
		})
	}
}

// Main runs the tests of a package, and ends the servers that they shared. A panic or a data race
// in the log of a server is a failure.
func Main(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	// Tests mostly wait: for hashes of other tests, or for time to pass.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err) // package testing defines the flag
	}
	code := m.Run()
	for _, sh := range shapes {
		defer os.RemoveAll(sh.dir)
		if sh.server == nil || sh.server.life == nil && sh.server.front == nil {
			continue
		}
		if sh.started && sh.replicated {
			if err := sh.server.front.shared(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
		if err := sh.server.Stop(); err != nil {
			fmt.Fprintf(os.Stderr, "stop the %s server: %v\n%s\n", sh.name, err, sh.server.log.tail(12))
			code = 1
		}
		if fault := sh.server.log.faults(); fault != "" {
			fmt.Fprintf(os.Stderr, "the %s server logged:\n%s\n", sh.name, fault)
			code = 1
		}
	}
	return code
}

// Shared returns the embedded server that the tests of a package share, for tests that need no
// other shape.
func Shared(t *testing.T) *Server {
	t.Helper()
	s, err := shapes[0].get()
	if err != nil {
		t.Fatalf("the %s server: %v", shapes[0].name, err)
	}
	showLog(t, s)
	return s
}

// Prepare makes the files, the empty databases and the settings of a server. Commands can run then.
// Restart starts the server, and the test has to stop it.
func Prepare(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := prepare(o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	showLog(t, s)
	return s
}

// Try runs a command of the program that may fail, and returns its output.
func (s *Server) Try(args ...string) (out string, err error) { return s.command("", args...) }

// KeyID returns the id of the key that signed a JWT.
func KeyID(t testing.TB, token string) string {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	var header struct {
		KeyID string `json:"kid"`
	}
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	return header.KeyID
}

// At returns the same program with the same address, with its connections going to another replica.
func (a *API) At(replica *Server) *API {
	c := replica.client(a.from)
	a.cleanup(c.CloseIdleConnections)
	return &API{Server: replica, client: c, from: a.from, cleanup: a.cleanup}
}

// Rounds returns n, multiplied by VOUCHSAFE_TEST_ROUNDS if that is set, for runs that are longer
// than those of make test.
func Rounds(n int) int {
	if times, err := strconv.Atoi(os.Getenv("VOUCHSAFE_TEST_ROUNDS")); err == nil && times > 0 {
		return n * times
	}
	return n
}
