package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// maxGroup bounds how many callers share a commit, and so how long the first waits.
	maxGroup = 256
	// maxWait bounds a call whose context has no deadline.
	maxWait = 5 * time.Second
	// leastWait is how long work is awaited that has begun, however little time its caller has:
	// it is nearly always done by then.
	leastWait = time.Second
)

// errSilent says that work was done, and that the disk did not say in time whether it has it.
var errSilent = fmt.Errorf("wait for the disk: %w", context.DeadlineExceeded)

// task is one caller's work inside a group.
type task struct {
	run    func(Conn) error
	single bool // it runs one statement
	err    error
	panics any
	state  atomic.Int32
	done   chan struct{} // closed when the task is committed or has failed
}

// The states of a task. Its caller may leave while it waits, and again when it ran and is
// not yet committed; not while it runs, for it writes to what is the caller's.
const (
	waits int32 = iota
	runs
	ran
	left // by its caller, before it began
)

// protect runs the work, unless its caller has left. A panic is kept for the goroutine it
// belongs to: the one that runs the group owes the others an answer.
func (t *task) protect(c Conn) {
	if !t.state.CompareAndSwap(waits, runs) {
		return
	}
	defer t.state.Store(ran)
	defer func() { t.panics = recover() }()
	t.err = t.run(c)
}

// group commits several waiting tasks in one transaction, each so that its failure leaves the others
// alone. It runs in a goroutine that lives while something waits, so that a disk that does not answer
// delays no caller beyond its own deadline.
type group struct {
	commit func(tasks []*task)

	mu      sync.Mutex
	led     bool
	waiting []*task
	// committing is when the commit began that is under way; zero: none is.
	committing time.Time
}

// do runs the work and returns when it is committed or has failed.
func (g *group) do(ctx context.Context, t *task) error {
	if err := ctx.Err(); err != nil {
		return Fault(err)
	}
	t.done = make(chan struct{})
	g.mu.Lock()
	g.waiting = append(g.waiting, t)
	if !g.led {
		g.led = true
		go g.lead()
	}
	g.mu.Unlock()
	if err := g.wait(ctx, t); err != nil {
		return err
	}
	if t.panics != nil {
		panic(t.panics)
	}
	return t.err
}

// wait waits until the task is done. A task that has not begun when the context ends, or after
// maxWait, is withdrawn. A task that has begun is awaited for as long again, or to the context's
// deadline, so that the caller knows its result. Beyond that the result cannot be known, as with a
// commit that PostgreSQL did not answer.
func (g *group) wait(ctx context.Context, t *task) error {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	var why error
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		why = ctx.Err()
	case <-timer.C:
		why = context.DeadlineExceeded
	}
	if t.state.CompareAndSwap(waits, left) {
		g.withdraw(t)
		return Fault(fmt.Errorf("%w: %w", errQueued, why))
	}
	timer.Reset(patience(ctx))
	for late := false; ; {
		select {
		case <-t.done:
			return nil
		case <-timer.C:
		}
		switch {
		case t.state.Load() == runs:
			late = true
			timer.Reset(10 * time.Millisecond)
		case late: // its statements took that long: the commit has some time of its own
			late = false
			timer.Reset(leastWait)
		default:
			return Fault(errSilent)
		}
	}
}

// patience returns how long the caller of begun work awaits it.
func patience(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	left := time.Until(end)
	switch {
	case !ok:
		return maxWait
	case left > chosenTimeout: // set for this call
		return left
	}
	return max(min(left, maxWait), leastWait)
}

// withdraw takes the task from the queue, if it is still there.
func (g *group) withdraw(t *task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, t); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
}

// lead commits groups until nothing waits.
func (g *group) lead() {
	for tasks := g.next(); len(tasks) > 0; tasks = g.next() {
		g.commit(tasks)
		for _, t := range tasks {
			close(t.done)
		}
		runtime.Gosched() // so that callers who are ready to run join the next group
	}
}

// next returns the next group; none ends the lead.
func (g *group) next() []*task {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), maxGroup)
	tasks := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.led, g.committing = n > 0, time.Time{}
	if g.led {
		g.committing = time.Now()
	}
	return tasks
}

// stalled returns for how long the commit has lasted that is under way.
func (g *group) stalled() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.committing.IsZero() {
		return 0
	}
	return time.Since(g.committing)
}

// commit runs the tasks in one transaction. When that is lost, so is what the tasks
// have seen of each other: all of them fail.
func (l *lite) commit(tasks []*task) {
	if l.path == "" {
		l.slots <- struct{}{}
		defer func() { <-l.slots }()
	}
	l.writer.Lock()
	defer l.writer.Unlock()
	doubted := l.last.err() != nil
	before := l.writing.changed()
	err := l.begin()
	for i := 0; err == nil && i < len(tasks); i++ {
		if tasks[i].single {
			err = l.statement(tasks[i])
		} else {
			err = l.savepoint(tasks[i])
		}
	}
	if err == nil {
		err = l.writing.command("COMMIT")
	}
	if err == nil {
		// A transaction that changes nothing succeeds on a disk that takes nothing.
		if doubted && l.writing.changed() > before {
			l.last.note(context.Background(), nil)
		}
		return
	}
	// A full disk may have rolled back already; then this fails, and nothing is lost.
	_ = l.writing.command("ROLLBACK")
	err = Fault(fmt.Errorf("commit: %w", err))
	for _, t := range tasks {
		t.err = err
	}
	l.last.note(context.Background(), err) // the callers may have left
}

// askAgain is how soon the writer asks again for a file that another process writes to. Who
// writes much rests for longer than that between two transactions.
const askAgain = time.Millisecond

// begin begins a transaction that writes, when no other process has one.
func (l *lite) begin() error {
	for end := time.Now().Add(maxWait); ; time.Sleep(askAgain) {
		err := l.writing.command("BEGIN IMMEDIATE")
		if !isBusy(err) || time.Now().After(end) {
			return err
		}
	}
}

// isBusy reports whether another process holds the file.
func isBusy(err error) bool {
	busy, ok := errors.AsType[coded](err)
	return ok && busy.Code()&0xff == sqlite3.SQLITE_BUSY
}

// statement runs a task of one statement. SQLite takes back a statement that fails, so that no
// savepoint is needed. An error means that the whole transaction is lost.
func (l *lite) statement(t *task) error {
	before := l.writing.changed()
	t.protect(&single{Conn: l.writing})
	changed := l.writing.changed() > before
	switch {
	case changed && t.panics != nil:
		return errors.New("a write of the same transaction panicked")
	case changed && t.err != nil: // the caller could not read what the statement returned
		return t.err
	case errors.Is(t.err, storage.ErrUnavailable) && l.writing.command("BEGIN") == nil:
		return t.err // a full disk, for one, ends the transaction: a new one could begin
	}
	return nil
}

// single is a connection for one statement.
type single struct {
	Conn
	ran bool
}

// begin panics if a statement was run already.
func (c *single) begin() {
	if c.ran {
		panic("write runs one statement: use transact for several")
	}
	c.ran = true
}

// Exec implements Conn.
func (c *single) Exec(query string, args ...any) (int64, error) {
	c.begin()
	return c.Conn.Exec(query, args...)
}

// Row implements Conn.
func (c *single) Row(query string, args ...any) Scanner { return only{c, query, args} }

// Each implements Conn.
func (c *single) Each(query string, args []any, scan func(Scanner) error) error {
	c.begin()
	return c.Conn.Each(query, args, scan)
}

// savepoint runs one task so that its failure leaves the others alone. An error means
// that the whole transaction is lost.
func (l *lite) savepoint(t *task) error {
	if err := l.writing.command("SAVEPOINT task"); err != nil {
		return err
	}
	t.protect(l.writing)
	if t.err != nil || t.panics != nil {
		if err := l.writing.command("ROLLBACK TO task"); err != nil {
			return errors.Join(t.err, err)
		}
	}
	return l.writing.command("RELEASE task")
}
