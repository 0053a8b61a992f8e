package vouchsafetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

// start runs `vouchsafe serve` and waits until the server answers.
func (s *Server) start() error {
	if s.front != nil {
		return s.front.start()
	}
	if s.life != nil && s.life.over() {
		if err := s.life.death(); err != nil {
			return fmt.Errorf("the %s server is to start again, and %w", s.Name, err)
		}
	}
	line := append(slices.Clone(s.under), s.binary, "serve")
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = s.Dir
	cmd.Env = s.environment()
	cmd.Stdout, cmd.Stderr = s.log, s.log
	var err error
	if s.life, err = begin(cmd); err != nil {
		return err
	}
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
		case <-s.life.exited:
			return fmt.Errorf("the %s server stopped at its start: %v\n%s", s.Name, s.life.err, s.log.tail(30))
		case <-ctx.Done():
			_ = s.Stop()
			return fmt.Errorf("the %s server does not serve within a minute\n%s", s.Name, s.log.tail(30))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// environment returns the environment of the process: the settings, and only the variables of our
// own that a process needs. The environment in which the tests run must not change what they test.
func (s *Server) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "TMPDIR=" + os.TempDir()}
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, name+"="+s.env[name])
	}
	return env
}

// Stop ends the server as a process manager does, and returns what was wrong with its end.
func (s *Server) Stop() error {
	if s.front != nil {
		return s.front.stop()
	}
	if s.life == nil {
		return nil
	}
	_ = s.life.cmd.Process.Signal(syscall.SIGTERM) // the process may have ended already
	select {
	case <-s.life.exited:
	case <-time.After(45 * time.Second):
		s.Kill()
		return errors.New("it does not stop on SIGTERM")
	}
	return s.life.death()
}

// Kill ends the server as a power cut does.
func (s *Server) Kill() { s.life.kill() }

// Restart starts the server again with the same files and address.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// TryRestart is Restart for servers that may refuse to start.
func (s *Server) TryRestart() error {
	err := s.start()
	if err != nil && s.life.over() {
		s.life = nil // its refusal to start is not a fault
	}
	return err
}

// Set changes a setting, by its name in the environment, for the next start.
func (s *Server) Set(name, value string) { s.env[name] = value }

// Setting returns a setting, by its name in the environment.
func (s *Server) Setting(name string) string { return s.env[name] }

// Log returns everything that the server has written.
func (s *Server) Log() string { return s.log.String() }

// Pid returns the id of the process.
func (s *Server) Pid() int { return s.life.cmd.Process.Pid }

// Line returns the command line for a command of the program. With Environ, it serves tests that
// run the command in another way than Command does.
func (s *Server) Line(args ...string) []string { return append([]string{s.binary}, args...) }

// Environ returns the environment of the process.
func (s *Server) Environ() []string { return s.environment() }
