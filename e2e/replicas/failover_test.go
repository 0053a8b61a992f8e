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

// within is how soon after a standby's promotion the service must be back.
const within = 10 * time.Second

// pair is a primary and its standby, with the database.
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

// failsOver runs that many users at each of two replicas, does something to the primary and
// promotes the standby. What was answered must be there afterwards and nothing may work twice,
// without a restart of a replica. It returns how many requests were refused.
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
			// Refused requests are repeated until they succeed.
			"VOUCHSAFE_REFRESH_TOKEN_GRACE": "1m",
			// The fault should hit its work, and not its hashes.
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
	time.Sleep(time.Second) // the operator needs a moment to notice
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

// TestPostgreSQLFailsOver: the primary crashes under load and its standby takes over.
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

// TestPrimaryThatBecameReadOnlyIsLeft: the primary becomes read-only and stays so, like one that
// was demoted. The replicas leave their connections to it at once, although these work.
func TestPrimaryThatBecameReadOnlyIsLeft(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.failsOver(t, 1, func() {
		// In the order of a planned switch: first, writing stops here.
		administer(t, p.database, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	})
}

// TestPrimaryThatFellSilentIsLeft: the primary is cut off without a reset while it runs. What it
// cannot send to its standby is not answered, and new connections go to the standby.
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
