package vouchsafetest

import (
	"os"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// A server that a test has killed did what it should. One that died of the same signal, or
// of another, did not: neither its end nor its next start may hide that.
func TestWhatTheServerDiedOf(t *testing.T) {
	begun := func() *Server {
		// Go's own end of a crash is an exit; with this it is a signal.
		s, err := TryStart(t, Options{Shipped: true, Env: map[string]string{"GOTRACEBACK": "crash"}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := begun()
	s.Kill()
	if err := s.Stop(); err != nil {
		t.Errorf("killed by the test: got %v, want no fault", err)
	}
	if err := s.start(); err != nil {
		t.Errorf("started after the test had killed it: %v", err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT} {
		s := begun()
		if err := syscall.Kill(s.Pid(), signal); err != nil {
			t.Fatal(err)
		}
		<-s.life.exited
		s.Kill() // comes too late, and may not be taken for what it died of
		if s.Stop() == nil {
			t.Errorf("%v: stopping it says nothing, want its death to be a fault", signal)
		}
		if err := s.start(); err == nil {
			t.Errorf("%v: it starts again as if nothing had been", signal)
		}
	}
}
