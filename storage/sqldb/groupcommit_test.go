package sqldb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

func openFile(t testing.TB) *Store {
	t.Helper()
	return openMigrated(t, "sqlite:"+filepath.Join(t.TempDir(), "vouchsafe.db"))
}

// spendIn is a task that spends a value.
func spendIn(value string) func(conn) error {
	return func(c conn) error {
		return must(c, storage.ErrExists, spend, "default", "test", spentHash(value), int64(1))
	}
}

// together has the tasks run as one group: the first waits until the others queue.
func together(s *Store, runs ...func(conn) error) []error {
	l := s.engine.(*lite)
	began, queued := make(chan bool), make(chan bool)
	got := make([]error, len(runs))
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = l.write(context.Background(), func(conn) error {
			close(began)
			<-queued
			return nil
		})
	})
	<-began
	for i, run := range runs {
		wg.Go(func() { got[i] = l.write(context.Background(), run) })
	}
	for waiting := 0; waiting < len(runs); time.Sleep(time.Millisecond) {
		l.group.mu.Lock()
		waiting = len(l.group.waiting)
		l.group.mu.Unlock()
	}
	close(queued)
	wg.Wait()
	return got
}

func isSpentNow(t *testing.T, s *Store, value string, wanted bool) {
	t.Helper()
	got, err := s.IsSpent(t.Context(), "default", "test", value)
	if err != nil || got != wanted {
		t.Errorf("%s: got %v, %v, want %v", value, got, err, wanted)
	}
}

func TestOneFailureInAGroupLeavesTheOthersAlone(t *testing.T) {
	s := openFile(t)
	broken := errors.New("broken")
	got := together(s,
		spendIn("a"),
		func(c conn) error { return errors.Join(spendIn("undone")(c), broken) },
		spendIn("b"),
		func(c conn) error {
			_, err := c.exec("INSERT INTO nowhere VALUES (1)")
			return err
		},
		spendIn("c"),
	)
	failed := 0
	for _, err := range got {
		if err != nil {
			failed++
		}
	}
	if failed != 2 || !errors.Is(got[1], broken) || !errors.Is(got[3], storage.ErrUnavailable) {
		t.Errorf("got %v, want the second and the fourth to fail", got)
	}
	for value, wanted := range map[string]bool{"a": true, "b": true, "c": true, "undone": false} {
		isSpentNow(t, s, value, wanted)
	}
}

func TestALostTransactionFailsTheWholeGroup(t *testing.T) {
	s := openFile(t)
	got := together(s,
		spendIn("a"),
		func(c conn) error {
			_, err := c.exec("ROLLBACK") // as SQLite does itself when the disk is full
			return err
		},
		spendIn("b"),
	)
	for i, err := range got {
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("task %d: got %v, want %v", i, err, storage.ErrUnavailable)
		}
	}
	isSpentNow(t, s, "a", false)
	isSpentNow(t, s, "b", false)
	if err := s.engine.write(t.Context(), spendIn("a")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAPanicStaysInItsGoroutine(t *testing.T) {
	s := openFile(t)
	defer func() {
		if got := recover(); got != "mine" {
			t.Errorf("got %v, want the panic of the task", got)
		}
		isSpentNow(t, s, "undone", false)
		if err := s.engine.write(t.Context(), spendIn("a")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}()
	_ = s.engine.write(t.Context(), func(c conn) error {
		_ = spendIn("undone")(c)
		panic("mine")
	})
}

func TestWhoeverGivesUpWaitingHasDoneNothing(t *testing.T) {
	s := openFile(t)
	began, done := make(chan bool), make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.engine.write(context.Background(), func(conn) error {
			close(began)
			<-done
			return nil
		})
	})
	<-began
	for i := range 20 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%3)*10*time.Millisecond)
			defer cancel()
			err := s.engine.write(ctx, spendIn(fmt.Sprint(i)))
			if !errors.Is(err, storage.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	close(done)
	wg.Wait()
	for i := range 20 {
		isSpentNow(t, s, fmt.Sprint(i), false)
	}
}

func TestAGroupUnderFireAnswersTruly(t *testing.T) {
	s := openFile(t)
	var mu sync.Mutex
	answered := make(map[string]bool)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 200 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(j%7)*200*time.Microsecond)
				value := fmt.Sprint(i, "-", j)
				err := s.engine.write(ctx, spendIn(value))
				cancel()
				mu.Lock()
				answered[value] = err == nil
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	stored := 0
	for value, wanted := range answered {
		isSpentNow(t, s, value, wanted)
		if wanted {
			stored++
		}
	}
	t.Logf("%d of %d were stored", stored, len(answered))
}
