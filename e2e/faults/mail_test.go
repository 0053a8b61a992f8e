package faults

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
)

const (
	// mailPause is how long internal/outbox waits at most after a first attempt that failed.
	mailPause = 45 * time.Second
	// mailPatience is how long an attempt waits for a server that does not answer.
	mailPatience = 30 * time.Second
)

// TestMailArrivesOnce: a mail that the server did not accept waits and arrives once. One whose OK
// was lost arrives twice with the same Message-ID. The request that causes a mail does not wait for
// the mail server.
func TestMailArrivesOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	api := s.API(t)
	s.arrives(t, s.asks(t, api), slack) // undisturbed, so that all is warm
	before := s.usage(t)
	want := map[string]int{} // how often a mail comes, by address
	for _, f := range []struct {
		name  string
		fault faultproxy.Fault
		times int
	}{
		{"silent", faultproxy.Fault{Silent: true}, 1},
		{"refused", faultproxy.Fault{Refuse: true}, 1},
		{"reset in the greeting", faultproxy.Fault{ResetAfter: 10}, 1},
		{"reset in the envelope", faultproxy.Fault{ResetAt: "Go ahead"}, 1},
		{"OK lost", faultproxy.Fault{ResetAt: "queued"}, 2},
	} {
		s.toMailServer.Set(f.fault)
		failed := s.failures(t)
		to := s.asks(t, api)
		want[to] = f.times
		for end := time.Now().Add(mailPatience + slack); s.failures(t) == failed; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: no attempt has failed within %v", f.name, mailPatience)
			}
		}
	}
	s.toMailServer.Set(faultproxy.Fault{})
	s.arrives(t, s.asks(t, api), recovery+slack)
	for _, f := range []faultproxy.Fault{{Slice: 5}, {Delay: 200 * time.Millisecond}} {
		s.toMailServer.Set(f)
		s.arrives(t, s.asks(t, api), 10*time.Second+slack)
	}
	s.toMailServer.Set(faultproxy.Fault{})
	for to := range want {
		s.arrives(t, to, mailPause+mailPatience+slack)
	}
	for end := time.Now().Add(mailPause + slack); s.waiting(t) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d mails wait still", s.waiting(t))
		}
	}
	for to, times := range want {
		ids := map[string]bool{}
		n := 0
		for _, m := range s.mails.Waiting() {
			if strings.EqualFold(m.To, to) {
				ids[m.ID] = true
				n++
			}
		}
		if n != times || len(ids) != 1 {
			t.Errorf("%s: got %d mails with %d ids, want %d with one", to, n, len(ids), times)
		}
	}
	s.settles(t, before)
}

// asks signs a user up, which succeeds whatever the mail server does.
func (s *site) asks(t *testing.T, api *vouchsafetest.API) (email string) {
	t.Helper()
	email = strings.ToLower(rand.Text()) + "@example.com"
	began := time.Now()
	r := load.SignUp(t, api, email, "pw-"+rand.Text())
	if r.Status != 202 || time.Since(began) > slack {
		t.Fatalf("got %d %s after %v, want 202 at once", r.Status, r.Raw, time.Since(began))
	}
	return email
}

// arrives waits for the mail.
func (s *site) arrives(t *testing.T, to string, patience time.Duration) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		for _, m := range s.mails.Waiting() {
			if strings.EqualFold(m.To, to) {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("no mail came to %s within %v", to, patience)
		}
	}
}

// failures returns how many attempts have failed.
func (s *site) failures(t *testing.T) int {
	t.Helper()
	return strings.Count(s.Log(), `"msg":"mail not sent"`)
}

// waiting returns how many mails wait in the outbox.
func (s *site) waiting(t *testing.T) (n int) {
	t.Helper()
	s.query(t, func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT count(*) FROM mail").Scan(&n)
	})
	return n
}
