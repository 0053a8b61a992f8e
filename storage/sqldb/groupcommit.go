package sqldb

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// maxGroup bounds how many callers share a commit, and so how long the first waits.
	maxGroup = 256
	// maxWait bounds a call whose context has no deadline.
	maxWait = 5 * time.Second
)

// task is one caller's work inside a group.
type task struct {
	run    func(conn) error
	err    error
	panics any
	// wake is closed when the task is done; a value on it makes the caller the leader.
	wake chan bool
}

// protect runs the work. A panic is kept for the goroutine it belongs to: the one that
// runs the group owes the others an answer.
func (t *task) protect(c conn) {
	defer func() { t.panics = recover() }()
	t.err = t.run(c)
}

// group makes one commit of what waits together. There is no goroutine of its own:
// of the callers, the first leads. It runs the work of all that wait, each in its own
// savepoint, commits, and hands the lead to the next that has come meanwhile.
type group struct {
	commit func(tasks []*task)

	mu      sync.Mutex
	led     bool
	waiting []*task
}

// do runs the work and returns when it is committed or has failed.
func (g *group) do(ctx context.Context, run func(conn) error) error {
	if err := ctx.Err(); err != nil {
		return fault(err)
	}
	t := &task{run: run, wake: make(chan bool, 1)}
	g.mu.Lock()
	if g.led {
		g.waiting = append(g.waiting, t)
		g.mu.Unlock()
		if lead, err := g.wait(ctx, t); err != nil {
			return err
		} else if lead {
			g.lead()
		}
	} else {
		g.led = true
		g.waiting = append(g.waiting, t)
		g.mu.Unlock()
		g.lead()
	}
	if t.panics != nil {
		panic(t.panics)
	}
	return t.err
}

// wait waits until the task is done or its caller is to lead. Work that has not begun
// when the context ends is withdrawn; what has begun is awaited, so that the caller
// knows and what run fills is not written behind its back.
func (g *group) wait(ctx context.Context, t *task) (lead bool, err error) {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	var why error
	select {
	case lead = <-t.wake:
		return lead, nil
	case <-ctx.Done():
		why = ctx.Err()
	case <-timer.C:
		why = context.DeadlineExceeded
	}
	g.mu.Lock()
	for i, other := range g.waiting {
		// The first may have been woken to lead already: it must not go away.
		if other == t && len(t.wake) == 0 {
			g.waiting = append(g.waiting[:i:i], g.waiting[i+1:]...)
			g.mu.Unlock()
			return false, fault(fmt.Errorf("wait for the writer: %w", why))
		}
	}
	g.mu.Unlock()
	return <-t.wake, nil
}

// lead commits one group, which the leader's task is part of, and passes the lead on.
func (g *group) lead() {
	g.mu.Lock()
	n := min(len(g.waiting), maxGroup)
	tasks := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.mu.Unlock()

	g.commit(tasks)

	g.mu.Lock()
	if len(g.waiting) > 0 {
		g.waiting[0].wake <- true
	} else {
		g.led = false
		g.waiting = nil
	}
	g.mu.Unlock()
	for _, t := range tasks {
		close(t.wake)
	}
}
