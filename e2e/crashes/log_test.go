package crashes

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestLogThatCannotBeWritten takes away the destination of the log. Users do not notice (threat
// P7).
func TestLogThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	t.Run("full device", func(t *testing.T) {
		s := vouchsafetest.Start(t, vouchsafetest.Options{Under: []string{"sh", "-c", `exec "$@" >/dev/full 2>&1`, "sh"}})
		wantServed(t, s)
	})
	t.Run("closed pipe", func(t *testing.T) {
		pipe := filepath.Join(t.TempDir(), "log")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		collector, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := vouchsafetest.Start(t, vouchsafetest.Options{Under: []string{"sh", "-c", `exec "$@" >` + pipe + ` 2>&1`, "sh"}})
		if n, err := collector.Read(make([]byte, 100)); n == 0 {
			t.Fatalf("the program does not log to the pipe: %v", err)
		}
		if err := collector.Close(); err != nil { // as when the program that collects logs ends
			t.Fatal(err)
		}
		wantServed(t, s)
	})
	t.Run("full pipe", func(t *testing.T) {
		pipe := filepath.Join(t.TempDir(), "log")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		// as when the program that collects logs hangs
		collector, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer collector.Close()
		if _, err := unix.FcntlInt(collector.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
			t.Fatal(err)
		}
		s := vouchsafetest.Start(t, vouchsafetest.Options{Under: []string{"sh", "-c", `exec "$@" >` + pipe + ` 2>&1`, "sh"}})
		api := s.API(t)
		for range 100 { // some 300 bytes each
			api.Userinfo(t, "none").Want(t, 401, "invalid_token")
		}
		wantServed(t, s)
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// wantServed signs in and gets tokens, which writes several log lines.
func wantServed(t *testing.T, s *vouchsafetest.Server) {
	t.Helper()
	r := vouchsafetest.NewRequest(web)
	reply := s.API(t).Redeem(t, r, s.Browser(t, s.Person(t)).Code(t, r)).Want(t, 200, "")
	s.API(t).Renew(t, web, reply.Refresh()).Want(t, 200, "")
}
