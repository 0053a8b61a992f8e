package crashes

import (
	"bufio"
	"database/sql"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// stalls are ways to keep SQLite from writing, without an error, until end is called.
var stalls = map[string]func(*testing.T, *vouchsafetest.Server) (end func()){
	"another process writes": lockDatabase,
	"the disk does not sync": holdSyncs,
}

// lockDatabase begins a transaction that keeps all others from writing.
func lockDatabase(t *testing.T, s *vouchsafetest.Server) (end func()) {
	t.Helper()
	db, err := sql.Open("sqlite",
		"file:"+filepath.Join(s.Setting("VOUCHSAFE_DATA"), "vouchsafe.db")+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err == nil {
		_, err = conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _, _ = conn.Close(), db.Close() } // which rolls back
}

// holdSyncs makes the kernel delay each sync of a file by ten minutes, as for a disk that does not
// respond.
func holdSyncs(t *testing.T, s *vouchsafetest.Server) (end func()) {
	t.Helper()
	cmd := exec.Command("strace", "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e",
		"inject=fsync,fdatasync:delay_enter=600000000", "-p", fmt.Sprint(s.Pid()))
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("strace cannot be run: %v", err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "attached") {
			go func() {
				for lines.Scan() { // of threads that come later
				}
			}()
			return func() {
				_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended
				_ = cmd.Wait()
			}
		}
	}
	_ = cmd.Wait()
	t.Skip("strace may not watch another process here")
	return nil
}

// TestStalledDiskIsAnswered stalls the disk during sign-ins (threat P7). Users get an error within
// the timeout of a request and before their connections end, and do not wait until the disk
// responds.
func TestStalledDiskIsAnswered(t *testing.T) {
	t.Parallel()
	for name, stall := range stalls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := vouchsafetest.Start(t,
				vouchsafetest.Options{Env: map[string]string{"VOUCHSAFE_ARGON2_MEMORY": "1024", "VOUCHSAFE_STOP_TIMEOUT": "5s"}})
			person := s.Person(t)
			api, r := s.API(t), vouchsafetest.NewRequest(web)
			reply := api.Redeem(t, r, s.Browser(t, person).Code(t, r)).Want(t, 200, "")
			browser := s.Browser(t, person)
			page := browser.Get(t, r.Path())

			end := stall(t, s)
			defer end()
			began := time.Now()
			page = browser.SignIn(t, page, person)
			took := time.Since(began)
			if page.Status != http.StatusServiceUnavailable || page.Header.Get("Retry-After") == "" {
				t.Errorf("signing in: got %d with Retry-After %q, want 503", page.Status, page.Header.Get("Retry-After"))
			}
			t.Logf("answered after %v", took)
			if took > 20*time.Second+slack {
				t.Errorf("answered after %v, want 20s at most", took)
			}
			// Later requests wait behind it, but not for long.
			soon(t, func() { wantRetryAfter(t, api.TryRenew(t, web, reply.Refresh())) })
			wantRead(t, api, reply.Access())
			readiness(t, s, http.StatusServiceUnavailable)

			end()
			readiness(t, s, http.StatusOK)
			r = vouchsafetest.NewRequest(web)
			s.Browser(t, person).Code(t, r)
			api.Renew(t, web, reply.Refresh()).Want(t, 200, "")
		})
	}
}

// slack is what a busy machine may add.
const slack = 5 * time.Second
