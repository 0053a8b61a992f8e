package crashes

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// readOnly makes the disk under a running server read-only, as after a fault: nothing can be
// written, not even to open files, and new files are opened for reading. The kernel refuses (EBUSY)
// to do that to a file system with files open for writing. It therefore takes two steps: a
// read-only mount over the folder, which every later open sees, and a limit of 0 bytes for files
// that the process writes. To SQLite, the EFBIG of the limit is the same as EROFS: an I/O error.
func readOnly(t *testing.T, s *vouchsafetest.Server) (back func()) {
	t.Helper()
	mount(t, s, `mount --bind data data && mount -o remount,bind,ro data && ! touch data/probe 2>/dev/null`)
	var before unix.Rlimit
	if err := unix.Prlimit(s.Pid(), unix.RLIMIT_FSIZE, nil, &before); err != nil {
		t.Fatal(err)
	}
	limit := func(bytes uint64) {
		t.Helper()
		if err := unix.Prlimit(s.Pid(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: before.Max}, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(0)
	return func() {
		t.Helper()
		limit(before.Cur)
		mount(t, s, `umount -l data && touch data/probe`)
	}
}

// mount runs a script in the server's mount namespace, beside its data folder.
func mount(t *testing.T, s *vouchsafetest.Server, script string) {
	t.Helper()
	out, err := exec.Command("nsenter", "-t", fmt.Sprint(s.Pid()), "-U", "-m", "--preserve-credentials", "sh", "-ec",
		`cd "$1"; `+script, "sh", s.Dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// TestDiskTurnsReadOnly makes the disk read-only under a running server with SQLite, and writable
// again, twice (threat P7).
func TestDiskTurnsReadOnly(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Under: small(64),
		Env: map[string]string{"VOUCHSAFE_ARGON2_MEMORY": "1024"}})
	person := firstPerson(t, s)
	api, browser := s.API(t), s.Browser(t, person)
	tokens := func() *vouchsafetest.Reply {
		r := vouchsafetest.NewRequest(web)
		return api.Redeem(t, r, browser.Code(t, r)).Want(t, 200, "")
	}
	reply, other := tokens(), tokens()
	for range 2 {
		r := vouchsafetest.NewRequest(web)
		code, said := browser.Code(t, r), len(s.Log())
		back := readOnly(t, s)
		for range 5 {
			soon(t, func() { wantRetryAfter(t, api.TryRenew(t, web, reply.Refresh())) })
			soon(t, func() { wantRetryAfter(t, api.TryRedeem(t, r, code)) })
		}
		soon(t, func() {
			if page := s.Browser(t, person).Get(t, r.Path()); page.Status >= 500 && page.Status != 503 {
				t.Errorf("authorize on a read-only disk: got %d", page.Status)
			}
		})
		wantRead(t, api, reply.Access())
		readiness(t, s, http.StatusServiceUnavailable)

		back()
		readiness(t, s, http.StatusOK)
		began := time.Now()
		next := api.TryRenew(t, web, reply.Refresh())
		for next != nil && next.Status == http.StatusServiceUnavailable && time.Since(began) < 5*time.Second {
			time.Sleep(50 * time.Millisecond)
			next = api.TryRenew(t, web, reply.Refresh())
		}
		if next == nil {
			t.Fatal("a read-only disk ended the service")
		}
		// Nothing that failed was carried out, and nothing that succeeded is lost.
		reply = next.Want(t, 200, "")
		t.Logf("served again after %v", time.Since(began).Round(time.Millisecond))
		api.Redeem(t, r, code).Want(t, 200, "")
		other = api.Renew(t, web, other.Refresh()).Want(t, 200, "")
		r = vouchsafetest.NewRequest(web)
		api.Redeem(t, r, s.Browser(t, person).Code(t, r)).Want(t, 200, "")
		for end := time.Now().Add(time.Minute); !strings.Contains(s.Log()[said:],
			"disk I/O error"); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the log does not say what was wrong:\n%s", s.Log()[said:])
			}
		}
	}
	wantIntact(t, copied(t, s))
}

// wantRead sends more reads at once than the test did before, so that the server opens new
// connections to the database.
func wantRead(t *testing.T, api *vouchsafetest.API, access string) {
	t.Helper()
	var wg sync.WaitGroup
	for range 16 {
		var asked []*http.Request
		for range 40 {
			req := api.Request(t, http.MethodGet, "/userinfo", "", "")
			req.Header.Set("Authorization", "Bearer "+access)
			asked = append(asked, req)
		}
		wg.Go(func() {
			for _, req := range asked {
				if info := api.Try(t, req); info == nil || info.Status != 200 {
					t.Errorf("user info on a read-only disk: got %+v, want reading to go on", info)
					return
				}
			}
		})
	}
	wg.Wait()
	soon(t, func() { api.Keys(t) })
	if !api.Active(t, web, access) {
		t.Error("introspection on a read-only disk: got inactive, want reading to go on")
	}
}

// soon fails the test if the answer takes longer than a client would wait.
func soon(t *testing.T, ask func()) {
	t.Helper()
	began := time.Now()
	if ask(); time.Since(began) > 10*time.Second {
		t.Errorf("answered after %v", time.Since(began))
	}
}
