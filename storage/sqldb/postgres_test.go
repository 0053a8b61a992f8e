package sqldb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

func TestWhatLeftNoTraceIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t))
	for i, code := range []string{"serialization_failure", "deadlock_detected"} {
		for j, write := range []func(context.Context, func(conn) error) error{s.engine.write,
			s.engine.transact, s.engine.read} {
			runs, value := 0, fmt.Sprint(i, j)
			err := write(t.Context(), func(c conn) error {
				if runs++; runs == 1 {
					_, err := c.exec("DO $$ BEGIN RAISE " + code + "; END $$")
					return err
				}
				return spendIn(value)(c)
			})
			if err != nil || runs != 2 {
				t.Errorf("%s: got %v after %d runs, want the second to succeed", code, err, runs)
			}
			runs = 0
			err = write(t.Context(), func(c conn) error {
				runs++
				_, err := c.exec("DO $$ BEGIN RAISE " + code + "; END $$")
				return err
			})
			if !errors.Is(err, storage.ErrUnavailable) || runs != 2 {
				t.Errorf("%s: got %v after %d runs, want %v after 2", code, err, runs, storage.ErrUnavailable)
			}
		}
	}
}

func TestDeadlocksAreBroken(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t))
	for _, id := range []string{"a", "b"} {
		if err := storagetest.AddUser(t.Context(), s, storage.User{TenantID: "default", ID: id}, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	// Each holds what the other wants.
	var holding sync.WaitGroup
	holding.Add(2)
	var both sync.WaitGroup
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		both.Go(func() {
			var once sync.Once
			err := s.engine.transact(t.Context(), func(c conn) error {
				if err := must(c, storage.ErrNotFound, raiseVersion, "default", order[0], int64(1)); err != nil {
					return err
				}
				once.Do(func() {
					holding.Done()
					holding.Wait()
				})
				return must(c, storage.ErrNotFound, raiseVersion, "default", order[1], int64(1))
			})
			if err != nil {
				t.Errorf("got %v, want the loser to be repeated", err)
			}
		})
	}
	both.Wait()
	u, err := s.User(t.Context(), "default", "a")
	if err != nil || u.CredentialVersion != 2 {
		t.Errorf("got version %d, %v, want 2", u.CredentialVersion, err)
	}
}

// TestConnectionsThatTheServerEnded are what a firewall or an administrator leaves in
// the pool.
func TestConnectionsThatTheServerEnded(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t))
	for round := range 10 {
		var many sync.WaitGroup
		for i := range 8 { // connections
			many.Go(func() {
				if err := s.engine.write(t.Context(), spendIn(fmt.Sprint(round, "-", i))); err != nil {
					t.Error(err)
				}
			})
		}
		many.Wait()
		const others = `SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`
		// By a call that is repeated: the pool may give it one that was ended a round ago.
		if _, err := one(t.Context(), s, others, nil, scanCount); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		if err := s.engine.write(t.Context(), spendIn(fmt.Sprint(round))); err != nil {
			t.Errorf("write: %v", err)
		}
		if _, err := s.Tenant(t.Context(), storage.DefaultTenant); err != nil {
			t.Errorf("read: %v", err)
		}
	}
}

func TestAnExhaustedPoolIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t)+"&pool_max_conns=1")
	err := s.engine.transact(t.Context(), func(conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Tenant(ctx, storage.DefaultTenant)
		return err
	})
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
	}
}

// TestWhoHangsUpCostsNoConnection: a new one costs more than any statement, and is asked for
// by a client that sends a request and hangs up.
func TestWhoHangsUpCostsNoConnection(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t)+"&pool_max_conns=1")
	backend := func() int64 {
		t.Helper()
		pid, err := one(t.Context(), s, `SELECT pg_backend_pid()`, nil, scanCount)
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := backend()
	for i, call := range []func(context.Context, func(conn) error) error{s.engine.read,
		s.engine.write, s.engine.transact} {
		ctx, hangUp := context.WithCancel(t.Context())
		err := call(ctx, func(c conn) error {
			time.AfterFunc(50*time.Millisecond, hangUp)
			_, err := c.exec(`SELECT pg_sleep(0.2)`)
			return err
		})
		if err != nil {
			t.Errorf("%d: got %v", i, err)
		}
		if err := call(ctx, spendIn(fmt.Sprint(i))); !errors.Is(err, context.Canceled) {
			t.Errorf("%d, begun afterwards: got %v, want %v", i, err, context.Canceled)
		}
	}
	if after := backend(); after != before {
		t.Errorf("got the connection %d, want %d as before", after, before)
	}

	// Nor do those wait for them who have not gone.
	ctx, hangUp := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	err := s.engine.read(t.Context(), func(c conn) error {
		for i, call := range []func(context.Context, func(conn) error) error{s.engine.write, s.engine.transact} {
			waiting.Go(func() {
				if err := call(ctx, spendIn(fmt.Sprint("waited", i))); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want %v", err, context.Canceled)
				}
			})
		}
		time.AfterFunc(100*time.Millisecond, hangUp)
		_, err := c.exec(`SELECT pg_sleep(0.3)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if n, err := one(t.Context(), s, `SELECT COUNT(*) FROM spent_values`, nil, scanCount); n != 0 || err != nil {
		t.Errorf("got %d rows, %v, want none of those who hung up", n, err)
	}
}

// TestAFormerPrimaryIsLeft makes new connections read-only, as those to a standby are.
func TestAFormerPrimaryIsLeft(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t))
	pool := s.engine.(*postgres).pool
	readOnly := func(setting string) {
		t.Helper()
		alter := "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = " +
			setting + "'; END $$"
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{"SET TRANSACTION READ WRITE", alter, "COMMIT"} {
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		_ = tx.Rollback(t.Context())
	}
	readOnly("on")
	pool.Reset()
	if s.WriteFault() != nil {
		t.Errorf("before anything failed: got %v", s.WriteFault())
	}
	// A standby answers: that it takes no writes is found out by asking.
	if err := s.Ping(t.Context()); err != nil || !errors.Is(s.WriteFault(), storage.ErrUnavailable) {
		t.Errorf("asked whether it is there: got %v, and of writes %v", err, s.WriteFault())
	}
	for _, write := range []func(context.Context, func(conn) error) error{s.engine.write, s.engine.transact} {
		if err := write(t.Context(), spendIn("a")); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
		}
	}
	pool.Reset()
	if _, err := s.Tenant(t.Context(), storage.DefaultTenant); err != nil { // connects
		t.Fatal(err)
	}
	readOnly("off")
	if err := s.engine.transact(t.Context(), spendIn("a")); err != nil {
		t.Errorf("with a primary again: %v", err)
	}
	if s.WriteFault() != nil {
		t.Errorf("with a primary again: got %v", s.WriteFault())
	}
}

// TestTextSortsByBytes looks for columns that sort as the database's language does.
func TestTextSortsByBytes(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t))
	const others = `SELECT COUNT(*) FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`
	var n int
	if err := s.engine.(*postgres).pool.QueryRow(t.Context(), others).Scan(&n); err != nil || n > 0 {
		t.Errorf("got %d columns, %v, want none", n, err)
	}
}
