package argon2id

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// ErrBusy means that too many hashes were wanted at once for the time or the memory that there is.
// The caller may try again. HTTP handlers answer it with 503 and Retry-After.
var ErrBusy = errors.New("too many hashes at once")

// patience is how long a caller waits for its turn by default. A user waits no longer for a page,
// and work for a user who has given up would be wasted.
const patience = 5 * time.Second

// process is the pool that every Hasher without a pool of its own shares. Memory and cores belong
// to the process, and so must the bound on them.
var process = NewPool(runtime.GOMAXPROCS(0), patience)

// Pool runs a bounded number of hashes at once. Other callers queue in one of two lines, first
// come, first served. The reserved line is for known callers, such as browsers that have signed in
// before: a flood of unknown callers neither delays them nor fills their line. One known caller
// cannot fill it either, because each has only heldAtOnce places.
type Pool struct {
	wait   time.Duration
	places int // the length of each line, including the callers that are being served

	mu    sync.Mutex
	free  int
	turn  int
	lines [2]line
	held  map[string]int // how many places in the reserved line each known caller has
}

// line is a queue of callers. One line is for unknown callers, the other for known ones.
type line struct {
	taken   int // places in use
	waiting list.List
}

// oneInTurns is how often an unknown caller is served while known callers wait: once in so many
// turns.
const oneInTurns = 4

// heldAtOnce is how many places in the reserved line one known caller may have. A caller that wants
// more queues with the unknown ones. Otherwise the owner of one account, who can sign in with any
// number of browsers, could make all other users wait.
const heldAtOnce = 2

// NewPool returns a pool that runs n hashes at once and lets other callers wait for that long. n
// may be 0. The length of each line is how many hashes of 10 ms could run in that time.
func NewPool(n int, wait time.Duration) *Pool {
	return &Pool{wait: wait, free: n, places: n * (1 + int(wait/(10*time.Millisecond))), held: map[string]int{}}
}

// run calls work when it is the caller's turn. It returns ErrBusy if the line is full or the turn
// does not come in time, and the error of ctx if ctx ends first. known identifies a known caller
// and is "" for others.
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

// caller is a place in a line.
type caller struct {
	line  *line
	known string        // "" in the line of unknown callers
	turn  *list.Element // nil if the caller is served at once
}

// enter takes a place in the caller's line, or returns ErrBusy if the line is full.
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
	if p.free > 0 { // then the lines are empty
		p.free--
		return c, nil
	}
	c.turn = c.line.waiting.PushBack(make(chan struct{}))
	return c, nil
}

// gone gives the caller's place back. The caller of gone holds p.mu.
func (p *Pool) gone(c caller) {
	c.line.taken--
	if c.known == "" {
		return
	}
	if p.held[c.known]--; p.held[c.known] == 0 {
		delete(p.held, c.known)
	}
}

// await returns when it is the caller's turn, or returns an error after giving the place back.
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
	case <-c.turn.Value.(chan struct{}): // the turn came while the wait ended: pass it on
		p.next()
	default:
		c.line.waiting.Remove(c.turn)
	}
	p.gone(c)
	return err
}

// leave gives the place back and passes the turn on.
func (p *Pool) leave(c caller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone(c)
	p.next()
}

// next gives the turn to the next caller in the lines, or frees it. The caller of next holds p.mu.
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
