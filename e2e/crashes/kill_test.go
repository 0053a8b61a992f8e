package crashes

import (
	"crypto/rand"
	"database/sql"
	"math/big"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// cycles is how often each server is killed: 200 times in all.
const cycles = 100

// TestKilledAtRandomMoments kills the server while codes and refresh tokens are redeemed and
// accounts are made, and asks the next process what became of them (threats P2, E5).
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		m := newMortal(t, production)
		for range vouchsafetest.Rounds(cycles) {
			m.cycle(t)
			if t.Failed() {
				t.Fatal("in this cycle")
			}
		}
		t.Logf("%d requests were answered, %d were not; the slowest start took %v", m.answered, m.lost,
			m.slowest.Round(time.Millisecond))
		if m.lost < m.cycles/4 || m.answered < m.cycles/4 {
			t.Error("the server died before or after its work, not in its midst")
		}
		if !production {
			m.s.Kill()
			wantIntact(t, filepath.Join(m.s.Setting("VOUCHSAFE_DATA"), "vouchsafe.db"))
			m.s.Restart(t)
		}
	})
}

// mortal is a server that is killed often, with its users.
type mortal struct {
	s       *vouchsafetest.Server
	mails   *smtptest.Server
	browser *vouchsafetest.Browser
	chains  []*chain

	done                   atomic.Int64 // answers in this life
	cycles, answered, lost int
	slowest                time.Duration
}

func newMortal(t *testing.T, production bool) *mortal {
	mails := smtptest.Start(t)
	// The shipped program starts faster, and is therefore killed more often.
	s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Shipped: true,
		Clients: []vouchsafetest.Client{app}, Env: map[string]string{
			"VOUCHSAFE_SMTP_URL": mails.URL, "VOUCHSAFE_MAIL_FROM": "no-reply@vouchsafe.example",
			// Even on a slow machine, the next start comes before the grace period ends.
			"VOUCHSAFE_REFRESH_TOKEN_GRACE": "1m",
			// It should be killed in its own work, and not in a hash.
			"VOUCHSAFE_ARGON2_MEMORY": "64", "VOUCHSAFE_ARGON2_PASSES": "1",
		}})
	m := &mortal{s: s, mails: mails, browser: s.Browser(t, s.Person(t))}
	// No start needs to hash a secret.
	if err := vouchsafetest.WriteClients(s.Setting("VOUCHSAFE_CLIENTS"), []vouchsafetest.Client{web, app}); err != nil {
		t.Fatal(err)
	}
	return m
}

// cycle is one life of the server, and what the next one makes of it.
func (m *mortal) cycle(t *testing.T) {
	t.Helper()
	m.cycles++
	api := m.s.API(t)
	for len(m.chains) < 3 {
		r := vouchsafetest.NewRequest(web)
		m.chains = append(m.chains, &chain{replies: []*vouchsafetest.Reply{api.Redeem(t, r,
			m.browser.Code(t, r)).Want(t, 200, "")}})
	}
	var work []worker
	for _, c := range m.chains {
		work = append(work, c)
	}
	for times := range 3 {
		r := vouchsafetest.NewRequest(web)
		work = append(work, &exchange{request: r, code: m.browser.Code(t, r), times: 1 + times/2})
	}
	work = append(work, m.beginSignUp(t, api))

	m.done.Store(0)
	var wg sync.WaitGroup
	for _, w := range work {
		wait := upTo(10 * time.Millisecond)
		wg.Go(func() {
			time.Sleep(wait)
			w.run(t, api, &m.done)
		})
	}
	m.await(int64(upTo(40)))
	m.s.Kill()
	wg.Wait()
	began := time.Now()
	m.s.Restart(t)
	m.slowest = max(m.slowest, time.Since(began))

	api = m.s.API(t)
	for _, w := range work {
		answered, lost := w.check(t, api)
		m.answered, m.lost = m.answered+answered, m.lost+lost
	}
	last := len(m.chains) - 1
	if m.chains[last].end(t, api) {
		m.chains = m.chains[:last]
	}
}

// await waits for that many answers, and a moment longer, so that some requests are under way on a
// fast machine, too.
func (m *mortal) await(answers int64) {
	for end := time.Now().Add(5 * time.Second); m.done.Load() < answers && time.Now().Before(end); {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(upTo(2 * time.Millisecond))
}

// worker is a client that is in the middle of something when the server is killed.
type worker interface {
	run(t *testing.T, api *vouchsafetest.API, done *atomic.Int64)
	check(t *testing.T, api *vouchsafetest.API) (answered, lost int)
}

func upTo(most time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(most)))
	if err != nil {
		panic(err)
	}
	return time.Duration(n.Int64())
}

func wantIntact(t *testing.T, file string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var said string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&said); err != nil || said != "ok" {
		t.Errorf("integrity check: got %q, %v, want ok", said, err)
	}
	rows, err := db.Query("PRAGMA foreign_key_check")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() {
		t.Error("foreign key check: a row hangs on one that is not there")
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

// wantDead fails the test if a token of the reply still works.
func wantDead(t *testing.T, api *vouchsafetest.API, r *vouchsafetest.Reply) {
	t.Helper()
	api.Renew(t, web, r.Refresh()).Want(t, 400, "invalid_grant")
	if info := api.Userinfo(t, r.Access()); info.Status != 401 {
		t.Errorf("user info with a token of a revoked grant: got %d, want 401", info.Status)
	}
}

// address returns an address without an account.
func address() string { return strings.ToLower(rand.Text()) + "@example.com" }
