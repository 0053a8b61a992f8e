package crashes

import (
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestFileDescriptorsGone leaves the process no spare file descriptor (threat P7). Connected
// clients continue, and others are served when descriptors are free again.
func TestFileDescriptorsGone(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production})
		tokens := tokensOf(t, s)
		api := s.API(t)
		api.Warm(t)
		limitFiles(t, s, strconv.Itoa(openFiles(t, s)))
		for range 3 { // these may wait, or be accepted with descriptors that others have freed
			conn, err := net.Dial("tcp4", s.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		for range 20 {
			r := api.TryRenew(t, web, tokens.Refresh())
			if r == nil {
				t.Fatal("a connection that was open was not answered")
			}
			if r.Status == http.StatusServiceUnavailable {
				wantRetryAfter(t, r)
				continue
			}
			tokens = r.Want(t, 200, "")
		}
		limitFiles(t, s, "1000")
		began := time.Now()
		r := vouchsafetest.NewRequest(web)
		s.API(t).Redeem(t, r, s.Browser(t, s.Jo(t)).Code(t, r)).Want(t, 200, "")
		api.Renew(t, web, tokens.Refresh()).Want(t, 200, "")
		t.Logf("served again after %v", time.Since(began).Round(time.Millisecond))
	})
}

// limitFiles sets how many descriptors the running process may have.
func limitFiles(t *testing.T, s *vouchsafetest.Server, n string) {
	t.Helper()
	if out, err := exec.Command("prlimit", "--pid", strconv.Itoa(s.Pid()),
		"--nofile="+n+":").CombinedOutput(); err != nil {
		t.Fatalf("prlimit: %v: %s", err, out)
	}
}
