package replicas

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// within is how soon after a standby's promotion service is to be back.
const within = 10 * time.Second

// pair is a primary and its standby, and the database there.
type pair struct {
	primary, standby *pgtest.Server
	database         string // its URL at the primary
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{primary: pgtest.StartServer(t)}
	p.standby = p.primary.StartStandby(t)
	var err error
	if p.database, err = p.primary.NewDatabase(); err != nil {
		t.Fatal(err)
	}
	return p
}

// failsOver has so many people work at each of two replicas, does something to the primary
// and promotes the standby. What was answered must be there then and nothing may work
// twice, with no replica started again. It says how many requests were refused.
func (p *pair) failsOver(t *testing.T, people int, do func()) (refused int64) {
	t.Helper()
	url, err := pgtest.Hosts(p.database, p.standby)
	if err != nil {
		t.Fatal(err)
	}
	mails := smtptest.Start(t)
	a := vouchsafetest.Start(t, vouchsafetest.Options{Production: true, Clients: []vouchsafetest.Client{load.App},
		Env: map[string]string{
			"VOUCHSAFE_DATABASE_URL":        url,
			"VOUCHSAFE_SMTP_URL":            mails.URL,
			"VOUCHSAFE_MAIL_FROM":           "Vouchsafe <no-reply@id.example>",
			"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8",
			// What was refused is tried again until it is answered.
			"VOUCHSAFE_REFRESH_TOKEN_GRACE": "1m",
			// The fault is to hit its work, not its hashes.
			"VOUCHSAFE_ARGON2_MEMORY": "64", "VOUCHSAFE_ARGON2_PASSES": "1",
		}})
	var loads []*load.Load
	for _, s := range []*vouchsafetest.Server{a, a.Replica(t)} {
		l := load.New(t, s, load.Options{People: people, Refusal: load.WhileItLasts, SignUps: 2, Mails: mails})
		l.Start()
		loads = append(loads, l)
	}
	for _, l := range loads {
		l.Enough(60)
	}
	do()
	time.Sleep(time.Second) // somebody has to notice
	if err := p.standby.Promote(); err != nil {
		t.Fatal(err)
	}
	promoted := time.Now()
	for _, l := range loads {
		l.Back(promoted, within)
	}
	for _, l := range loads {
		l.Enough(60)
		l.Stop()
		refused += l.Refused()
	}
	for _, l := range loads {
		l.Verify()
	}
	return refused
}

// The primary crashes under load and its standby takes over.
func TestPostgreSQLFailsOver(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	refused := p.failsOver(t, 2, func() {
		if err := p.primary.Stop(true); err != nil {
			t.Fatal(err)
		}
	})
	if refused == 0 {
		t.Error("nothing was refused: the primary was not missed, and the test shows nothing")
	}
}

// The primary becomes read-only and stays there, as one does that was demoted: the
// connections to it are left at once, though they work.
func TestPrimaryThatBecameReadOnlyIsLeft(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.failsOver(t, 1, func() {
		// In the order that a clean switch has: first nothing more is written here.
		administer(t, p.database, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	})
}

// The primary is cut off without a word, alive as it is: nothing that it cannot give to its
// standby is answered, and new connections go past it.
func TestPrimaryThatFellSilentIsLeft(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	proxy := faultproxy.Start(t, p.primary.HostPort())
	p.database = strings.Replace(p.database, p.primary.HostPort(), proxy.Address, 1)
	p.failsOver(t, 1, func() { proxy.Set(faultproxy.Fault{Silent: true}) })
}

func administer(t *testing.T, url string, statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
}
