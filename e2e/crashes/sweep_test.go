package crashes

import (
	"context"
	"database/sql"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestWhatExpiredIsSweptAway leaves rows at a server whose clock is a hundred days late, and others
// once the clock is right (threat M6). All of the former are deleted, and all of the latter stay.
func TestWhatExpiredIsSweptAway(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, production bool) {
		const late = 100 * 24 * time.Hour
		clock := buildtest.NewClock(t)
		clock.Set(t, -late)
		l := &leaver{Server: vouchsafetest.Start(t,
			vouchsafetest.Options{Production: production, Clock: clock,
				Clients: []vouchsafetest.Client{app}, Env: map[string]string{
					// Mails wait for a server that is away.
					"VOUCHSAFE_SMTP_URL": "smtp://127.0.0.1:1", "VOUCHSAFE_MAIL_FROM": "no-reply@vouchsafe.example",
				}})}
		empty := l.rows(t)
		for range 3 {
			l.leave(t, -late)
		}
		left := l.rows(t)
		for table, n := range left {
			if n < empty[table]+3 {
				t.Errorf("%s has %d rows after three visits and %d before: they left nothing to sweep", table, n, empty[table])
			}
		}
		if err := l.Stop(); err != nil {
			t.Fatal(err)
		}
		clock.Set(t, 0)
		l.Restart(t)
		started := time.Now()
		l.leave(t, 0)
		want := maps.Clone(empty)
		// A session for the two grants, one of which is spent.
		for table, n := range map[string]int{"sessions": 1, "grants": 2, "spent_values": 2, "codes": 2, "mail": 2} {
			want[table] += n
		}
		// It sweeps once a minute.
		for end := started.Add(4 * time.Minute); !maps.Equal(l.rows(t), want); time.Sleep(time.Second) {
			if time.Now().After(end) {
				t.Fatalf("got %v rows, want %v", l.rows(t), want)
			}
		}
		t.Logf("of %v rows and one visit more %v were left %v after the start", left, want,
			time.Since(started).Round(time.Second))
		// What was stored while the clock was right has not expired.
		api := l.API(t)
		wantAlive(t, api, l.kept)
		api.ByKey(t, l.assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 401, "invalid_client")
		api.Redeem(t, l.request, l.spent).Want(t, 400, "invalid_grant")
	})
}

// leaver is a server, with what its last visitor has left.
type leaver struct {
	*vouchsafetest.Server
	kept             *vouchsafetest.Reply // the tokens of a sign-in
	request          *vouchsafetest.Request
	spent, assertion string // a code and an assertion that were used
}

// leave is a visit that begins some things and uses up others: an unfinished sign-in, a
// registration, a password reset, a session, two codes, a revoked access token and an assertion.
// The server's clock is ahead by that much.
func (l *leaver) leave(t *testing.T, ahead time.Duration) {
	t.Helper()
	api, p := l.API(t), l.Person(t)
	l.Browser(t, p).Get(t, vouchsafetest.NewRequest(web).Path())
	for path, body := range map[string]map[string]any{
		"/auth/sign-up":        {"client_id": app.ID(), "email": address(), "password": "a quite unusual passphrase 71"},
		"/auth/reset-password": {"client_id": app.ID(), "login": p.Email},
	} {
		if r := api.Do(t, api.JSON(t, path, body)); r.Status != 202 {
			t.Fatalf("%s: got %d %s, want 202", path, r.Status, r.Raw)
		}
	}
	browser := l.Browser(t, p)
	l.request = vouchsafetest.NewRequest(web)
	l.spent = browser.Code(t, l.request)
	other := api.Redeem(t, l.request, l.spent).Want(t, 200, "")
	api.As(t, web, "/revoke", vouchsafetest.Values("token", other.Access())).Want(t, 200, "")
	l.kept = grantOf(t, api, browser)

	keyed := vouchsafetest.Keyed()[1]
	claims, now := l.AssertionClaims(keyed.ID()), time.Now().Add(ahead)
	claims["iat"], claims["nbf"], claims["exp"] = now.Unix(), now.Unix(), now.Add(30*time.Minute).Unix()
	l.assertion = keyed.Assertion(t, claims)
	api.ByKey(t, l.assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 200, "")
}

// rows returns the number of rows in each table whose rows expire.
func (l *leaver) rows(t *testing.T) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var row func(query string, n *int) error
	if l.Database == "" {
		db, err := sql.Open("sqlite",
			"file:"+filepath.Join(l.Setting("VOUCHSAFE_DATA"), "vouchsafe.db")+"?mode=ro&_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		row = func(query string, n *int) error { return db.QueryRowContext(ctx, query).Scan(n) }
	} else {
		conn, err := pgx.Connect(ctx, l.Database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		row = func(query string, n *int) error { return conn.QueryRow(ctx, query).Scan(n) }
	}
	counts := map[string]int{}
	for _, table := range []string{"sessions", "grants", "spent_values", "codes", "mail"} {
		var n int
		if err := row("SELECT count(*) FROM "+table, &n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}
