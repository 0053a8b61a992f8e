package replicas

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// TestRollingRestartLosesNothing: replicas are replaced one by one while users and apps work and
// sign up. No request is refused or cut off. The mails that a replica is sending when it stops
// arrive once.
func TestRollingRestartLosesNothing(t *testing.T) {
	t.Parallel()
	mails := smtptest.Start(t)
	site, replicas := vouchsafetest.StartBehindProxy(t, 3,
		vouchsafetest.Options{Clients: []vouchsafetest.Client{load.App}, Env: map[string]string{
			"VOUCHSAFE_SMTP_URL":            mails.URL,
			"VOUCHSAFE_MAIL_FROM":           "Vouchsafe <no-reply@id.example>",
			"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8",
			// No answer is lost, so that no request has to be repeated; but Verify repeats some.
			"VOUCHSAFE_REFRESH_TOKEN_GRACE": "1m",
		}})
	l := load.New(t, site, load.Options{People: 3, Refusal: load.Never, SignUps: 1, Mails: mails})
	l.Start()
	for range vouchsafetest.Rounds(2) {
		for _, r := range replicas {
			before, err := r.Served()
			if err != nil {
				t.Fatal(err)
			}
			l.Enough(30)
			if now, err := r.Served(); err != nil || now == before {
				t.Errorf("a replica that is to be replaced served nothing: %v", err)
			}
			if err := r.Stop(); err != nil {
				t.Errorf("stop a replica: %v", err)
			}
			l.Enough(30)
			r.Restart(t)
			waitUsed(t, r)
		}
	}
	l.Stop()
	l.Verify()
}

// waitUsed waits until the proxy has found a replica again.
func waitUsed(t *testing.T, r *vouchsafetest.Server) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		n, err := r.Served()
		if err != nil {
			t.Fatal(err)
		}
		if n > 5 { // more than the start itself asks
			return
		}
	}
	t.Fatal("the proxy does not come back to a replica that was started again")
}
