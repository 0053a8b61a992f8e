package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// together has the tasks run as one group of transactions: the first waits until the others queue.
func together(s *db, runs ...func(Conn) error) []error {
	return inOneGroup(s, (*lite).Transact, runs...)
}

// inOneGroup has lite.Write or lite.Transact run the tasks as one group.
func inOneGroup(s *db, do func(*lite, context.Context, func(Conn) error) error, runs ...func(Conn) error) []error {
	l := s.engine.(*lite)
	began, queued := make(chan bool), make(chan bool)
	got := make([]error, len(runs))
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = l.Write(context.Background(), func(Conn) error {
			close(began)
			<-queued
			return nil
		})
	})
	<-began
	for i, run := range runs {
		wg.Go(func() { got[i] = do(l, context.Background(), run) })
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

func TestOneFailureInAGroupLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	broken := errors.New("broken")
	got := together(s,
		spendIn("a"),
		func(c Conn) error { return errors.Join(spendIn("undone")(c), broken) },
		spendIn("b"),
		func(c Conn) error {
			_, err := c.Exec("INSERT INTO nowhere VALUES (1)")
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
	t.Parallel()
	s := openFile(t)
	got := together(s,
		spendIn("a"),
		func(c Conn) error {
			_, err := c.Exec("ROLLBACK") // as SQLite does itself when the disk is full
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
	if err := s.engine.Write(t.Context(), spendIn("a")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestOneStatementThatFailsLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	got := inOneGroup(s, (*lite).Write,
		spendIn("a"),
		spendIn("a"),
		func(c Conn) error {
			_, err := c.Exec("INSERT INTO nowhere VALUES (1)")
			return err
		},
		spendIn("b"),
	)
	if exists, once := got[1], got[0]; errors.Is(once, storage.ErrExists) {
		got[0], got[1] = exists, once // they queued the other way round
	}
	if got[0] != nil || !errors.Is(got[1], storage.ErrExists) ||
		!errors.Is(got[2], storage.ErrUnavailable) || got[3] != nil {
		t.Errorf("got %v, want the second spending and the missing table to fail alone", got)
	}
	isSpentNow(t, s, "a", true)
	isSpentNow(t, s, "b", true)
}

// A statement whose result its caller could not read must not be committed: the caller
// reports a failure.
func TestAResultThatCannotBeReadFailsTheWholeGroup(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	got := inOneGroup(s, (*lite).Write,
		spendIn("a"),
		func(c Conn) error { return errors.Join(spendIn("undone")(c), errors.New("broken")) },
		spendIn("b"),
	)
	for i, err := range got {
		if err == nil {
			t.Errorf("task %d: got no error", i)
		}
	}
	for _, value := range []string{"a", "b", "undone"} {
		isSpentNow(t, s, value, false)
	}
}

// SQLite ends the transaction itself when the disk is full. What comes after must not be
// committed on its own, and reported as failed.
func TestAFullDiskAmongStatementsTellsTheTruth(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	const pages = `SELECT page_count FROM pragma_page_count`
	var n int64
	if err := s.engine.Read(t.Context(), func(c Conn) error { return c.Row(pages).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	l := s.engine.(*lite)
	if err := l.writing.command(fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
		t.Fatal(err)
	}
	values := []string{"a", "b", "c"}
	big := func(c Conn) error {
		_, err := c.Exec(`INSERT INTO spent_values (tenant_id, purpose, hash, expires_at)
			SELECT 'default', 'big', randomblob(1000), 1 FROM json_each(json_array(1, 2, 3, 4, 5, 6, 7, 8, 9))`)
		return err
	}
	got := inOneGroup(s, (*lite).Write, spendIn(values[0]), big, spendIn(values[1]), spendIn(values[2]))
	if !errors.Is(got[1], storage.ErrUnavailable) {
		t.Errorf("more than there is room for: got %v, want %v", got[1], storage.ErrUnavailable)
	}
	for i, err := range []error{got[0], got[2], got[3]} {
		isSpentNow(t, s, values[i], err == nil)
	}
}

func TestAPanicStaysInItsGoroutine(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	defer func() {
		if got := recover(); got != "mine" {
			t.Errorf("got %v, want the panic of the task", got)
		}
		isSpentNow(t, s, "undone", false)
		if err := s.engine.Write(t.Context(), spendIn("a")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}()
	_ = s.engine.Write(t.Context(), func(c Conn) error {
		_ = spendIn("undone")(c)
		panic("mine")
	})
}

func TestACallerThatGivesUpHasChangedNothing(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	began, done := make(chan bool), make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.engine.Write(context.Background(), func(Conn) error {
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
			err := s.engine.Write(ctx, spendIn(fmt.Sprint(i)))
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
	t.Parallel()
	s := openFile(t)
	var mu sync.Mutex
	answered := make(map[string]bool)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 200 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(j%7)*200*time.Microsecond)
				value := fmt.Sprint(i, "-", j)
				err := s.engine.Write(ctx, spendIn(value))
				cancel()
				if errors.Is(err, errSilent) { // the disk took longer than a second
					continue
				}
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

// A disk may stop for half a minute, and go on. Until it does, no caller waits for longer than
// they can, whether their work has begun or not; what a caller left before it began is not done.
func TestASilentDiskHoldsNoCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		back := make(chan bool)
		var begun atomic.Int32
		g := &group{commit: func(tasks []*task) {
			for _, one := range tasks {
				one.protect(nil)
			}
			<-back
		}}
		work := func(Conn) error { begun.Add(1); return nil }
		begin := time.Now()
		took := func(deadline time.Duration) (time.Duration, error) {
			ctx := t.Context()
			if deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, deadline)
				defer cancel()
			}
			err := g.do(ctx, &task{run: work})
			return time.Since(begin), err
		}
		var wg sync.WaitGroup
		for _, c := range []struct {
			deadline, after, want time.Duration
			sentinel              error
		}{
			{20 * time.Second, 0, 2 * maxWait, errSilent},                                             // begun
			{7 * time.Second, time.Millisecond, maxWait + time.Millisecond, context.DeadlineExceeded}, // behind it
			{2 * time.Second, time.Millisecond, 2*time.Second + time.Millisecond, context.DeadlineExceeded},
			{0, time.Millisecond, maxWait + time.Millisecond, context.DeadlineExceeded},
			{time.Hour, 2 * time.Millisecond, maxWait + 2*time.Millisecond, context.DeadlineExceeded},
		} {
			wg.Go(func() {
				time.Sleep(c.after)
				got, err := took(c.deadline)
				if got != c.want || !errors.Is(err, c.sentinel) || !errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("with %v: got %v after %v, want %v after %v", c.deadline, err, got, c.sentinel, c.want)
				}
			})
		}
		time.Sleep(30 * time.Second)
		wg.Wait()
		if got := g.stalled(); got != 30*time.Second {
			t.Errorf("stalled: got %v, want 30s", got)
		}
		close(back)
		if err := g.do(t.Context(), &task{run: work}); err != nil {
			t.Errorf("when it is back: got %v", err)
		}
		synctest.Wait()
		if n := begun.Load(); n != 2 {
			t.Errorf("%d tasks were run, want 2: the first and the last", n)
		}
		if got := g.stalled(); got != 0 {
			t.Errorf("at rest: got %v, want 0", got)
		}
	})
}

// A statement that takes long writes to what is its caller's, who must not be gone then.
func TestRunningWorkIsAwaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &group{commit: func(tasks []*task) {
			for _, one := range tasks {
				one.protect(nil)
			}
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin, found := time.Now(), 0
		err := g.do(ctx, &task{run: func(Conn) error {
			time.Sleep(time.Hour)
			found = 1
			return nil
		}})
		if err != nil || found != 1 || time.Since(begin) != time.Hour {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
	})
}
