package argon2id

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// ErrBusy says that too many hashes were wanted at once, for the time or the memory that
// there is: try again. At the door it is 503 with Retry-After.
var ErrBusy = errors.New("too many hashes at once")

// patience is how long a caller queues by default: longer, and the person at the
// browser has given up while the work for them still waits.
const patience = 5 * time.Second

// process is the pool of whoever brings none. Memory and cores belong to the process,
// and so does the bound on them, whoever hashes.
var process = NewPool(runtime.GOMAXPROCS(0), patience)

// Pool runs a bounded number of hashes at once. Others queue, first come first served, in
// one of two lines. In the reserved one are those who are known: no flood of strangers
// makes them wait, or fills their places, and nor does one of them, who has few.
type Pool struct {
	wait   time.Duration
	places int // in each line, those who are served included

	mu    sync.Mutex
	free  int
	turn  int
	lines [2]line
	held  map[string]int // places in the reserved line, by who is known
}

// line is who queues: strangers, or those who are known.
type line struct {
	taken   int // places
	waiting list.List
}

// oneInTurns is how often a stranger is served while somebody known waits.
const oneInTurns = 4

// heldAtOnce is how many places in the reserved line one of those who are known has. Who wants
// more at once queues with the strangers: else the owner of one account, with as many browsers
// as they like to sign in with, would make all others wait.
const heldAtOnce = 2

// NewPool runs n hashes at once, which may be none, and lets others wait for so long.
// The lines are bounded too: to what could be done in that time if a hash took 10 ms.
func NewPool(n int, wait time.Duration) *Pool {
	return &Pool{wait: wait, free: n, places: n * (1 + int(wait/(10*time.Millisecond))), held: map[string]int{}}
}

// run calls work when it is the caller's turn; ErrBusy when that does not come in time, or
// the line is full; ctx's error when the caller has gone. known says who is known, and is ""
// for strangers.
func (p *Pool) run(ctx context.Context, known string, work func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := p.enter(known)
	if err != nil {
		return err
	}
	if err := p.await(ctx, c); err != nil {
		return err
	}
	defer p.leave(c)
	work()
	return nil
}

// caller is somebody in a line.
type caller struct {
	line  *line
	known string        // "" in the strangers' line
	turn  *list.Element // nil for one that is served at once
}

// enter takes a place in the line that the caller belongs to.
func (p *Pool) enter(known string) (caller, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := caller{line: &p.lines[0]}
	if known != "" && p.held[known] < heldAtOnce {
		c.line, c.known = &p.lines[1], known
	}
	if c.line.taken >= p.places {
		return c, ErrBusy
	}
	c.line.taken++
	if c.known != "" {
		p.held[c.known]++
	}
	if p.free > 0 { // then nobody waits
		p.free--
		return c, nil
	}
	c.turn = c.line.waiting.PushBack(make(chan struct{}))
	return c, nil
}

// gone gives the caller's place back. p.mu is locked.
func (p *Pool) gone(c caller) {
	c.line.taken--
	if c.known == "" {
		return
	}
	if p.held[c.known]--; p.held[c.known] == 0 {
		delete(p.held, c.known)
	}
}

// await waits for the turn.
func (p *Pool) await(ctx context.Context, c caller) error {
	if c.turn == nil {
		return nil
	}
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	err := ErrBusy
	select {
	case <-c.turn.Value.(chan struct{}):
		return nil
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-c.turn.Value.(chan struct{}): // it came this very moment
		p.next()
	default:
		c.line.waiting.Remove(c.turn)
	}
	p.gone(c)
	return err
}

// leave gives place and turn back.
func (p *Pool) leave(c caller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone(c)
	p.next()
}

// next serves the next in the lines. p.mu is locked.
func (p *Pool) next() {
	strangers, known := &p.lines[0].waiting, &p.lines[1].waiting
	p.turn++
	from := known
	if known.Len() == 0 || strangers.Len() > 0 && p.turn%oneInTurns == 0 {
		from = strangers
	}
	if from.Len() == 0 {
		p.free++
		return
	}
	close(from.Remove(from.Front()).(chan struct{}))
}
