package crashes

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestWhatFailsLeavesLittle begins sign-ins without finishing them, and sends invalid codes and
// refresh tokens (threat M6). Neither the database nor the memory grows, and the log has one line
// of bounded length for each request.
func TestWhatFailsLeavesLittle(t *testing.T) {
	t.Parallel()
	const rounds = 1500
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true})
	api := s.API(t)
	tokensOf(t, s)
	round := func(i int) {
		r := vouchsafetest.NewRequest(web, "state", strings.Repeat("s", 400))
		for _, path := range []string{r.Path(), "/login?i=" + fmt.Sprint(i)} {
			if got := api.Do(t, api.Request(t, http.MethodGet, path, "", "")); got.Status >= 500 {
				t.Fatalf("%s: got %d", path, got.Status)
			}
		}
		api.Renew(t, web, fmt.Sprintf("garbage-%d", i)).Want(t, 400, "invalid_grant")
		api.Redeem(t, r, fmt.Sprintf("garbage-%d", i)).Want(t, 400, "invalid_grant")
	}
	for i := range rounds {
		round(i) // caches and the heap grow first
	}
	held, stored, logged := memory(t, s, "VmRSS"), sizeOf(t, s), s.Log()
	for i := range rounds {
		round(i)
	}
	grown := s.Log()[len(logged):]
	leaked := memory(t, s, "VmRSS") - held
	t.Logf("%d requests: the memory grew by %d KiB, the database by %d bytes, the log by %d lines of %d bytes",
		4*rounds, leaked>>10, sizeOf(t, s)-stored, strings.Count(grown, "\n"), len(grown)/(4*rounds))
	if more := sizeOf(t, s) - stored; more > 64<<10 {
		t.Errorf("the database grew by %d bytes in %d failures", more, 4*rounds)
	}
	if lines := strings.Count(grown, "\n"); lines > 4*rounds+100 || len(grown) > 4*rounds*600 {
		t.Errorf("got %d lines and %d bytes of log for %d requests", lines, len(grown), 4*rounds)
	}
	if leaked > 16<<20 {
		t.Errorf("the memory grew by %d KiB in %d failures", leaked>>10, 4*rounds)
	}
}

// sizeOf is that of the database's files, the log of writes included.
func sizeOf(t *testing.T, s *vouchsafetest.Server) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Setting("VOUCHSAFE_DATA"), "vouchsafe.db*"))
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		size += int(info.Size())
	}
	return size
}

// TestLogOfWritesIsBounded redeems one chain of refresh tokens 2,000 times. One row changes, and
// neither the database nor SQLite's write-ahead log grows.
func TestLogOfWritesIsBounded(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true})
	api, reply := s.API(t), tokensOf(t, s)
	for range 2000 {
		reply = api.Renew(t, web, reply.Refresh()).Want(t, 200, "")
	}
	size := sizeOf(t, s)
	t.Logf("%d KiB after 2000 renewals", size>>10)
	if size > 8<<20 { // the log is folded into the database at 1,000 pages of 4 KiB
		t.Errorf("the database takes %d KiB after 2000 renewals of one token", size>>10)
	}
}
