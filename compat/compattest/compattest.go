// Package compattest runs a server in the process of a test, for the tests of the doors in compat.
package compattest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/server"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// Server is a server that runs until its test ends.
type Server struct {
	Issuer string
	Ports  []string // two more, at which no program listens
	Config *settings.Config
	Log    *Log
}

// Log is a log that many goroutines may write.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns what was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Start runs a server. In clients, which is a file for clients.yaml, ISSUER stands for its issuer. configure
// changes its environment. A port may be taken by another program meanwhile: then Start chooses others, and calls
// configure again.
func Start(t *testing.T, clients string, configure func(s *Server, env map[string]string)) *Server {
	t.Helper()
	var err error
	for range 3 {
		var s *Server
		if s, err = try(t, clients, configure); err == nil {
			return s
		}
	}
	t.Fatal(err)
	return nil
}

// try runs a server, and returns an error if it ends before it answers.
func try(t *testing.T, clients string, configure func(s *Server, env map[string]string)) (*Server, error) {
	t.Helper()
	ports := freePorts(t, 3)
	s := &Server{Issuer: "http://localhost:" + ports[0], Ports: ports[1:], Log: &Log{}}
	dir := t.TempDir()
	file := filepath.Join(dir, "clients.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(clients, "ISSUER", s.Issuer)), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"VOUCHSAFE_LISTEN": "localhost:" + ports[0], "VOUCHSAFE_METRICS_LISTEN": "off", "VOUCHSAFE_CLIENTS": file,
		"VOUCHSAFE_DATA": filepath.Join(dir, "data"), "VOUCHSAFE_ARGON2_MEMORY": "19", "VOUCHSAFE_ARGON2_PASSES": "1",
		"VOUCHSAFE_DEVELOPMENT": "false", "VOUCHSAFE_ALLOW_PRIVATE_FETCH": "true",
	}
	configure(s, env)
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		environ = append(environ, name+"="+env[name])
	}
	var err error
	if s.Config, err = settings.Load(nil, "", environ); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, s.Config, "test", io.Discard, s.Log) }()
	for {
		select {
		case err := <-ended:
			stop()
			return nil, fmt.Errorf("the server ended: %w\n%s", err, s.Log)
		case <-time.After(20 * time.Millisecond):
		}
		if res, err := http.Get(s.Issuer + "/healthz"); err == nil {
			_ = res.Body.Close()
			break
		}
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(s.Log)
		}
	})
	return s, nil
}

// freePorts returns ports that no other test gets.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		port, err := testdaemon.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, strconv.Itoa(port))
	}
	return ports
}
