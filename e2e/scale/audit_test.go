package scale

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/crowd"
)

// exported returns the ids of the events in an export.
func exported(t *testing.T, s *vouchsafetest.Server, args ...string) (ids []string) {
	t.Helper()
	last := ""
	for line := range strings.Lines(s.Command(t, "", append([]string{"audit", "export"}, args...)...)) {
		var e struct {
			ID string
			At time.Time
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.ID <= last || e.At.IsZero() {
			t.Fatalf("%s comes behind %s", line, last)
		}
		last = e.ID
		ids = append(ids, e.ID)
	}
	return ids
}

// TestAuditTrailIsExportedAndPruned prunes a trail of two years: nothing before it was exported,
// and then events older than a year, and full addresses older than 90 days.
func TestAuditTrailIsExportedAndPruned(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Env: map[string]string{
			"VOUCHSAFE_KEEP_UNEXPORTED": "true", "VOUCHSAFE_KEEP_EVENTS_OF": "login.failed=720h",
		}})
		const rows = 3000
		fill(t, s, crowd.Crowd{Client: "web", Events: rows})
		all := count(t, s, "SELECT COUNT(*) FROM audit WHERE kind <> 'client.added'")
		s.Command(t, "", "audit", "prune")
		if n := count(t, s, "SELECT COUNT(*) FROM audit WHERE kind <> 'client.added' AND kind <> 'audit.pruned'"); n != all {
			t.Fatalf("%d of %d rows are left, and none was exported", n, all)
		}
		if n := count(
			t, s, "SELECT COUNT(*) FROM audit WHERE ip LIKE '203.0.%.%' AND ip NOT LIKE '%/24'"); n > rows*3/4*100/730+9 {
			t.Errorf("%d full addresses are left, want those of the last 90 days", n)
		}
		if n := count(t, s, "SELECT COUNT(*) FROM audit WHERE ip LIKE '2001:db8:%::/48'"); n < rows/4*6/10 {
			t.Errorf("%d addresses of IPv6 were shortened, want those that are older than 90 days", n)
		}

		if got := exported(t, s, "--mark"); len(got) < rows*98/100 {
			t.Errorf("got %d rows exported, want %d and those of commands", len(got), rows)
		}
		if again := exported(t, s, "--mark"); len(again) > 0 {
			t.Errorf("got %d rows exported twice", len(again))
		}
		s.Refuses(t, "", "audit", "export", "--mark", "--kind", "login.failed")
		s.Command(t, "", "audit", "prune")
		for kind, want := range map[string]int{"login.failed": rows / 5 * 30 / 730, "login.succeeded": rows * 2 / 5 / 2} {
			n := count(t, s, "SELECT COUNT(*) FROM audit WHERE kind = $1", kind)
			if n < want-5 || n > want+5 {
				t.Errorf("%d rows of %s are left, want about %d", n, kind, want)
			}
		}
		if got := exported(t, s, "--kind", "login.failed", "--until",
			time.Now().Add(-31*24*time.Hour).Format(time.RFC3339)); len(got) > 0 {
			t.Errorf("got %d rows that should be gone", len(got))
		}
	})
}
