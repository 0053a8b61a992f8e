package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestWhatLeftNoTraceIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t))
	for i, code := range []string{"serialization_failure", "deadlock_detected"} {
		for j, write := range []func(context.Context, func(Conn) error) error{s.engine.Write,
			s.engine.Transact, s.engine.Read} {
			runs, value := 0, fmt.Sprint(i, j)
			err := write(t.Context(), func(c Conn) error {
				if runs++; runs == 1 {
					_, err := c.Exec("DO $$ BEGIN RAISE " + code + "; END $$")
					return err
				}
				return spendIn(value)(c)
			})
			if err != nil || runs != 2 {
				t.Errorf("%s: got %v after %d runs, want the second to succeed", code, err, runs)
			}
			runs = 0
			err = write(t.Context(), func(c Conn) error {
				runs++
				_, err := c.Exec("DO $$ BEGIN RAISE " + code + "; END $$")
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
		if err := s.engine.Write(t.Context(), spendIn(id)); err != nil {
			t.Fatal(err)
		}
	}
	const raise = `UPDATE spent_values SET expires_at = expires_at + 1 WHERE hash = $1`
	// Each holds what the other wants.
	var holding sync.WaitGroup
	holding.Add(2)
	var both sync.WaitGroup
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		both.Go(func() {
			var once sync.Once
			err := s.engine.Transact(t.Context(), func(c Conn) error {
				if _, err := c.Exec(raise, []byte(order[0])); err != nil {
					return err
				}
				once.Do(func() {
					holding.Done()
					holding.Wait()
				})
				_, err := c.Exec(raise, []byte(order[1]))
				return err
			})
			if err != nil {
				t.Errorf("got %v, want the loser to be repeated", err)
			}
		})
	}
	both.Wait()
	const raised = `SELECT expires_at FROM spent_values WHERE hash = $1`
	if n, err := s.count(t.Context(), raised, []byte("a")); err != nil || n != 3 {
		t.Errorf("got %d, %v, want 3: raised by both", n, err)
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
				if err := s.engine.Write(t.Context(), spendIn(fmt.Sprint(round, "-", i))); err != nil {
					t.Error(err)
				}
			})
		}
		many.Wait()
		const others = `SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`
		// By a call that is repeated: the pool may give it one that was ended a round ago.
		if _, err := s.count(t.Context(), others); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		if err := s.engine.Write(t.Context(), spendIn(fmt.Sprint(round))); err != nil {
			t.Errorf("write: %v", err)
		}
		if _, err := s.count(t.Context(), countTenants); err != nil {
			t.Errorf("read: %v", err)
		}
	}
}

func TestAnExhaustedPoolIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, pgtest.Start(t)+"&pool_max_conns=1")
	err := s.engine.Transact(t.Context(), func(Conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.count(ctx, countTenants)
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
		pid, err := s.count(t.Context(), `SELECT pg_backend_pid()`)
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := backend()
	for i, call := range []func(context.Context, func(Conn) error) error{s.engine.Read,
		s.engine.Write, s.engine.Transact} {
		ctx, hangUp := context.WithCancel(t.Context())
		err := call(ctx, func(c Conn) error {
			time.AfterFunc(50*time.Millisecond, hangUp)
			_, err := c.Exec(`SELECT pg_sleep(0.2)`)
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
	err := s.engine.Read(t.Context(), func(c Conn) error {
		for i, call := range []func(context.Context, func(Conn) error) error{s.engine.Write, s.engine.Transact} {
			waiting.Go(func() {
				if err := call(ctx, spendIn(fmt.Sprint("waited", i))); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want %v", err, context.Canceled)
				}
			})
		}
		time.AfterFunc(100*time.Millisecond, hangUp)
		_, err := c.Exec(`SELECT pg_sleep(0.3)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if n, err := s.count(t.Context(), `SELECT COUNT(*) FROM spent_values`); n != 0 || err != nil {
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
	if s.engine.WriteFault() != nil {
		t.Errorf("before anything failed: got %v", s.engine.WriteFault())
	}
	// A standby answers: that it takes no writes is found out by asking.
	if _, err := s.engine.Ping(t.Context()); err != nil || !errors.Is(s.engine.WriteFault(), storage.ErrUnavailable) {
		t.Errorf("asked whether it is there: got %v, and of writes %v", err, s.engine.WriteFault())
	}
	for _, write := range []func(context.Context, func(Conn) error) error{s.engine.Write, s.engine.Transact} {
		if err := write(t.Context(), spendIn("a")); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
		}
	}
	pool.Reset()
	if _, err := s.count(t.Context(), countTenants); err != nil { // connects
		t.Fatal(err)
	}
	readOnly("off")
	if err := s.engine.Transact(t.Context(), spendIn("a")); err != nil {
		t.Errorf("with a primary again: %v", err)
	}
	if s.engine.WriteFault() != nil {
		t.Errorf("with a primary again: got %v", s.engine.WriteFault())
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
