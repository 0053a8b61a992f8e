package crashes

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// small runs a command in a mount namespace of its own, in which a small file system in memory
// covers ./data. It does not need root, but the kernel must allow user namespaces, as Debian's
// does.
func small(megabytes int) []string {
	return []string{"unshare", "-rm", "sh", "-c",
		fmt.Sprintf(`mkdir -p data && mount -t tmpfs -o size=%dm,mode=700 none data && exec "$@"`, megabytes), "sh"}
}

// inside returns the path under which the server sees a file of its data folder.
func inside(s *vouchsafetest.Server, name string) string {
	return filepath.Join("/proc", fmt.Sprint(s.Pid()), "root", s.Setting("VOUCHSAFE_DATA"), name)
}

// TestDiskFull fills the disk under SQLite, twice (threat P7).
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Under: small(8),
		Env: map[string]string{"VOUCHSAFE_ARGON2_MEMORY": "1024"}})
	// Another process would see the folder underneath, so that the account is made through the
	// pages.
	person := firstPerson(t, s)
	api, browser := s.API(t), s.Browser(t, person)
	r := vouchsafetest.NewRequest(web)
	reply := api.Redeem(t, r, browser.Code(t, r)).Want(t, 200, "")
	for range 2 {
		code := browser.Code(t, r)
		fill(t, inside(s, "filler"))
		last, err := reply, 0
		for range 200 { // the last page of the write-ahead log is filled first
			next := api.TryRenew(t, web, reply.Refresh())
			if next == nil {
				t.Fatal("a full disk ended the service")
			}
			if next.Status == http.StatusServiceUnavailable {
				wantRetryAfter(t, next)
				if err++; err == 5 {
					break
				}
				continue
			}
			reply = next.Want(t, 200, "")
		}
		if err == 0 {
			t.Fatal("got tokens 200 times, want the disk to be full")
		}
		wantRetryAfter(t, api.TryRedeem(t, r, code))
		if info := api.Userinfo(t, last.Access()); info.Status != 200 {
			t.Errorf("user info on a full disk: got %d %s, want reading to go on", info.Status, info.Raw)
		}
		api.Keys(t)
		readiness(t, s, http.StatusServiceUnavailable)
		if page := browser.Get(t, vouchsafetest.NewRequest(web).Path()); page.Status >= 500 && page.Status != 503 {
			t.Errorf("authorize on a full disk: got %d", page.Status)
		}

		if err := os.Remove(inside(s, "filler")); err != nil {
			t.Fatal(err)
		}
		// The server recovers without a restart, and nothing that failed was carried out.
		reply = api.Renew(t, web, reply.Refresh()).Want(t, 200, "")
		api.Redeem(t, r, code).Want(t, 200, "")
		readiness(t, s, http.StatusOK)
		r = vouchsafetest.NewRequest(web)
	}
	wantIntact(t, copied(t, s))
}

// readiness waits until /readyz has that status.
func readiness(t *testing.T, s *vouchsafetest.Server, want int) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		status, body := s.Ops(t, "/readyz")
		if status == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("readyz: got %d %s, want %d", status, body, want)
		}
	}
}

// copied returns a copy of the server's database, outside of the server's mount namespace.
func copied(t *testing.T, s *vouchsafetest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vouchsafe.db")
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(inside(s, "vouchsafe.db"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file+suffix, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// firstPerson makes the first account of a server, by the pages.
func firstPerson(t *testing.T, s *vouchsafetest.Server) vouchsafetest.Person {
	t.Helper()
	cmd := exec.Command("nsenter",
		append([]string{"-t", fmt.Sprint(s.Pid()), "-U", "-m", "--preserve-credentials", "--wd=" + s.Dir},
			s.Line("user", "add", "jo@example.com", "--verified", "--password-stdin")...)...)
	cmd.Env = s.Environ()
	cmd.Stdin = strings.NewReader("correct horse battery staple\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return vouchsafetest.Person{Email: "jo@example.com", Password: "correct horse battery staple"}
}

// fill writes until the disk is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<12); ; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func wantRetryAfter(t *testing.T, r *vouchsafetest.Reply) {
	t.Helper()
	if r == nil || r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" ||
		r.Error() != "temporarily_unavailable" {
		t.Errorf("got %+v, want 503 temporarily_unavailable with Retry-After", r)
	}
}

// TestReadOnlyDisk starts on a data folder that cannot be written.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{})
	person := s.Person(t)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Setting("VOUCHSAFE_DATA"), "vouchsafe.db")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare",
		append([]string{"-rm", "sh", "-c", `mount --bind data data && mount -o remount,bind,ro data && exec "$@"`, "sh"},
			s.Line("serve")...)...)
	cmd.Dir, cmd.Env = s.Dir, s.Environ()
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "read-only file system") ||
		strings.Contains(string(out), "goroutine ") {
		t.Errorf("start on a read-only disk: got %v, want a refusal that says why\n%s", err, out)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("the database is another now: %v", err)
	}
	s.Restart(t)
	s.Browser(t, person).Code(t, vouchsafetest.NewRequest(web))
}
