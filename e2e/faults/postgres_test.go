package faults

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestPostgreSQLRestarts: PostgreSQL is stopped under load and started again.
func TestPostgreSQLRestarts(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	l := s.load(t, 3)
	l.Start()
	l.During(time.Second, 100)
	l.Stop()
	before := s.usage(t)
	l.Start()
	for i := range vouchsafetest.Rounds(6) {
		immediate := i%2 == 0
		refused := l.Refused()
		if err := s.pg.Stop(immediate); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		l.AwaitRefusal(refused)
		mustDo(t, s.pg.Start)
		l.Back(time.Now(), recovery)
		l.During(200*time.Millisecond, 50)
	}
	l.Stop()
	s.settles(t, before)
	l.Verify()
}

// TestPostgreSQLEndsConnections: an administrator ends connections again and again.
func TestPostgreSQLEndsConnections(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	l := s.load(t, 3)
	l.Start()
	ended := 0
	s.query(t, func(ctx context.Context, c *pgx.Conn) error {
		for range vouchsafetest.Rounds(12) {
			var n int
			err := c.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&n)
			if err != nil {
				return err
			}
			ended += n
			time.Sleep(250 * time.Millisecond)
		}
		return nil
	})
	l.Back(time.Now(), recovery)
	l.During(0, 100)
	l.Stop()
	if ended < 20 {
		t.Errorf("%d connections were ended, want many", ended)
	}
	// Work that had not begun is repeated, so that refusals are the exception.
	if refused, answered := l.Refused(), l.Answered(); refused > answered/10 {
		t.Errorf("%d requests were refused and %d answered, want few refused", refused, answered)
	}
	l.Verify()
}

// TestPostgreSQLIsLocked: a table is locked for longer than a request may take. In the end all
// connections wait for it, and requests without a connection are refused.
func TestPostgreSQLIsLocked(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	l := s.load(t, 16) // with all that they do, more than there are connections
	l.Start()
	l.During(time.Second, 50)
	l.Stop()
	before := s.usage(t)
	l.Start()
	s.query(t, func(ctx context.Context, c *pgx.Conn) error {
		tx, err := c.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx)
		if _, err := tx.Exec(ctx, "LOCK TABLE grants IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		refused := l.Refused()
		l.AwaitRefusal(refused)
		l.During(4*time.Second, 0)
		var waiting, all int
		err = tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'), count(*)
			FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&waiting, &all)
		if err != nil {
			return err
		}
		t.Logf("%d connections, %d of them wait, %d refused", all, waiting, l.Refused()-refused)
		// Requests that gave up have cancelled their statements, so that statements do not pile up.
		if waiting == 0 || all > before.backends+40 {
			t.Errorf("%d connections, %d of them wait: want some to wait, and not many more than %d", all,
				waiting, before.backends)
		}
		return tx.Commit(ctx)
	})
	l.Back(time.Now(), recovery)
	l.During(0, 100)
	l.Stop()
	s.settles(t, before)
	l.Verify()
}

// TestPostgreSQLAbortsTransactions: every transaction is serializable, so that some fail because of
// others. Rows are also locked in the other order, so that statements are chosen to end a deadlock.
func TestPostgreSQLAbortsTransactions(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.query(t, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "ALTER DATABASE "+c.Config().Database+" SET default_transaction_isolation = 'serializable'")
		return err
	})
	s.endConnections(t)
	l := s.load(t, 4)
	l.Start()
	s.deadlocks(t, vouchsafetest.Rounds(4))
	l.During(2*time.Second, 100)
	l.Stop()
	for range 5 {
		l.RefreshAtOnce(12)
	}
	s.query(t, func(ctx context.Context, c *pgx.Conn) error {
		var deadlocks, rollbacks int
		if err := c.QueryRow(
			ctx, "SELECT deadlocks, xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&deadlocks,
			&rollbacks); err != nil {
			return err
		}
		t.Logf("%d deadlocks, %d transactions rolled back", deadlocks, rollbacks)
		if deadlocks == 0 || rollbacks <= deadlocks {
			t.Errorf("got %d deadlocks and %d transactions rolled back, want some of both", deadlocks, rollbacks)
		}
		return nil
	})
	l.Verify()
}

func (s *site) endConnections(t *testing.T) {
	t.Helper()
	s.query(t, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "+
			"AND pid <> pg_backend_pid()")
		return err
	})
}

// deadlocks locks the clients of grants and then their users, which other transactions have locked
// already, and the other way round.
func (s *site) deadlocks(t *testing.T, rounds int) {
	t.Helper()
	s.query(t, func(ctx context.Context, c *pgx.Conn) error {
		// It waits for long, so that the other transactions are chosen to give way. But not for
		// ever, because later ones may have locked users, too.
		if _, err := c.Exec(ctx, "SET deadlock_timeout = '20s'; SET statement_timeout = '3s'; SET "+
			"default_transaction_isolation = 'read committed'"); err != nil {
			return err
		}
		for i := range rounds {
			first, second := "SELECT 1 FROM clients FOR UPDATE", "SELECT 1 FROM users FOR UPDATE"
			if i%3 == 2 {
				first, second = second, first
			}
			if err := lockBoth(ctx, c, first, second); err != nil {
				return err
			}
		}
		return nil
	})
}

func lockBoth(ctx context.Context, c *pgx.Conn, first, second string) error {
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	for _, lock := range []string{first, "SELECT pg_sleep(0.3)", second} {
		if _, err := tx.Exec(ctx, lock); err != nil {
			if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "57014" {
				return nil // it did not get the lock
			}
			return fmt.Errorf("%s: %w", lock, err)
		}
	}
	return tx.Commit(ctx)
}
