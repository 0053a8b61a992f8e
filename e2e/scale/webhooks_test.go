package scale

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/receiver"
)

// TestWaitingDeliveriesDoNotSlowSignIn has deliveries wait for a receiver that fails: half of them about one user, and
// the others about one user each. VOUCHSAFE_TEST_WAITING is how many, for measurements.
func TestWaitingDeliveriesDoNotSlowSignIn(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		many, err := strconv.Atoi(os.Getenv("VOUCHSAFE_TEST_WAITING"))
		if err != nil {
			many = 4000
		}
		s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Shipped: true,
			Env: map[string]string{"VOUCHSAFE_ALLOW_PRIVATE_FETCH": "true"}})
		app := receiver.New(t, func(receiver.Told) int { return http.StatusInternalServerError })
		console := receiver.Open(t, s)
		hook, _ := console.AddWebhook(t, app)
		without := signIns(t, s)
		wait(t, s, hook, many)
		before := len(app.Got())
		with := signIns(t, s)
		receiver.Until(t, "attempts", func() bool { return len(app.Got()) > before })
		t.Logf("sign-in, median of %d: %v without, %v with %d deliveries that wait", len(with), median(without),
			median(with), many)
		// A bound for a busy machine; the log has the figures.
		if median(with) > 3*median(without)+200*time.Millisecond {
			t.Errorf("sign-ins take %v, and %v without deliveries that wait", median(with), median(without))
		}
		began := time.Now()
		console.Do(t, http.MethodDelete, "/webhooks/"+hook, nil)
		t.Logf("removed after %v", time.Since(began))
		eventually(t, s, 0, "SELECT COUNT(*) FROM webhook_deliveries")
	})
}

// signIns returns how long sign-ins take, in order.
func signIns(t *testing.T, s *vouchsafetest.Server) (took []time.Duration) {
	t.Helper()
	jo := s.Jo(t)
	for range 15 {
		r, b := vouchsafetest.NewRequest(vouchsafetest.Strict), s.Browser(t, jo)
		began := time.Now()
		b.Code(t, r)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}

func median(sorted []time.Duration) time.Duration {
	return sorted[len(sorted)/2].Round(time.Millisecond)
}

// wait stores deliveries that wait for a webhook. Their events are those that the trail has.
func wait(t *testing.T, s *vouchsafetest.Server, hook string, many int) {
	t.Helper()
	change(t, s, fmt.Sprintf(`
		WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d)
		INSERT INTO webhook_deliveries
		SELECT 'default', '%s', 1000000 + n, (SELECT MAX(id) FROM audit WHERE tenant_id = 'default'), 'login.succeeded',
			CASE WHEN n %% 2 = 0 THEN 'busy' ELSE 'u' || n END, %[3]d, CASE WHEN n %% 2 = 0 AND n > 2 THEN %[4]d ELSE %[3]d END,
			0, 0, FALSE, 0, 0, ''
		FROM numbers`, many, hook, time.Now().UnixMicro(), int64(1<<63-1)))
}
