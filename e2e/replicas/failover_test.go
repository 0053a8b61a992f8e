package replicas

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
)

const (
	// failover is how soon after a standby's promotion service is to be back.
	failover = 10 * time.Second
	// slack is what a busy machine may add to it.
	slack = 5 * time.Second
)

// newDatabase makes one on the primary.
func newDatabase(t *testing.T, primary *pgtest.Server) string {
	t.Helper()
	url, err := primary.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// startOn starts two replicas on a database and its copy at the standby.
func startOn(t *testing.T, database string, standby *pgtest.Server) (a, b *vouchsafetest.Server) {
	t.Helper()
	url, err := pgtest.Hosts(database, standby)
	if err != nil {
		t.Fatal(err)
	}
	a = vouchsafetest.Start(t, vouchsafetest.Options{Production: true, Env: map[string]string{
		"VOUCHSAFE_DATABASE_URL":        url,
		"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8",
		// What was refused is tried again until it is answered.
		"VOUCHSAFE_REFRESH_TOKEN_GRACE": "1m",
	}})
	return a, a.Replica(t)
}

// The primary crashes under load and its standby takes over: what was answered is there,
// nothing works twice, and no replica has to be started again.
func TestPostgreSQLFailsOver(t *testing.T) {
	t.Parallel()
	primary := pgtest.StartServer(t)
	standby := primary.StartStandby(t)
	a, b := startOn(t, newDatabase(t, primary), standby)
	atA, atB := newLoad(t, a, 2), newLoad(t, b, 2)
	loads := []*load{atA, atB}
	for _, l := range loads {
		l.faulty = true
		l.start()
	}
	for _, l := range loads {
		l.enough(100)
	}
	if err := primary.Stop(true); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // somebody has to notice
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	promoted := time.Now()
	for _, l := range loads {
		back(t, l, promoted)
		l.enough(100)
	}
	for _, l := range loads {
		l.stop()
		if l.refused.Load() == 0 {
			t.Error("nothing was refused: the primary was not missed, and the test shows nothing")
		}
		l.verify()
	}
}

// The primary becomes read-only and stays there, as one does that was demoted: the
// connections to it are left at once, though they work.
func TestPrimaryThatBecameReadOnlyIsLeft(t *testing.T) {
	t.Parallel()
	primary := pgtest.StartServer(t)
	standby := primary.StartStandby(t)
	direct := newDatabase(t, primary)
	a, b := startOn(t, direct, standby)
	loads := []*load{newLoad(t, a, 1), newLoad(t, b, 1)}
	for _, l := range loads {
		l.faulty = true
		l.start()
		l.enough(50)
	}
	// In the order that a clean switch has: first nothing more is written here.
	administer(t, direct, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	time.Sleep(500 * time.Millisecond)
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	promoted := time.Now()
	for _, l := range loads {
		back(t, l, promoted)
		l.enough(50)
		l.stop()
		l.verify()
	}
}

// The primary is cut off without a word, alive as it is: nothing that it cannot give to its
// standby is answered, and new connections go past it.
func TestPrimaryThatFellSilentIsLeft(t *testing.T) {
	t.Parallel()
	primary := pgtest.StartServer(t)
	standby := primary.StartStandby(t)
	proxy := faultproxy.Start(t, primary.HostPort())
	a, b := startOn(t, strings.Replace(newDatabase(t, primary), primary.HostPort(), proxy.Address, 1), standby)
	loads := []*load{newLoad(t, a, 1), newLoad(t, b, 1)}
	for _, l := range loads {
		l.faulty = true
		l.start()
		l.enough(50)
	}
	proxy.Set(faultproxy.Fault{Silent: true})
	time.Sleep(time.Second) // somebody has to notice
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	promoted := time.Now()
	for _, l := range loads {
		back(t, l, promoted)
	}
	for _, l := range loads {
		l.enough(50)
		l.stop()
		l.verify()
	}
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

// back wants a whole sign-in to work soon after the promotion, and then to go on working.
func back(t *testing.T, l *load, promoted time.Time) {
	t.Helper()
	for !l.works() {
		if took := time.Since(promoted); took > failover+slack {
			t.Errorf("not back %v after the promotion, want %v", took, failover)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("back %v after the promotion", time.Since(promoted).Round(time.Millisecond))
	for range 10 {
		if !l.works() {
			t.Error("service was back, and went away again")
			return
		}
	}
}

// works says whether a sign-in and its tokens come without a refusal.
func (l *load) works() bool {
	l.t.Helper()
	p := l.people[0]
	r := vouchsafetest.NewRequest(web)
	code := p.browser.Authorize(l.t, r).Code()
	if code == "" {
		return false
	}
	reply := p.api.Redeem(l.t, r, code)
	return reply.Status == 200 && p.api.Renew(l.t, web, reply.Refresh()).Status == 200 && p.api.Userinfo(l.t, reply.Access()).Status == 200
}
