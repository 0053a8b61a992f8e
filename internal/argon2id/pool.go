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
// makes them wait, or fills their places.
type Pool struct {
	wait   time.Duration
	places int // in each line, those who are served included

	mu    sync.Mutex
	free  int
	turn  int
	lines [2]line
}

// line is who queues: strangers, or those who are known.
type line struct {
	taken   int // places
	waiting list.List
}

// oneInTurns is how often a stranger is served while somebody known waits.
const oneInTurns = 4

// NewPool runs n hashes at once, which may be none, and lets others wait for so long.
// The lines are bounded too: to what could be done in that time if a hash took 10 ms.
func NewPool(n int, wait time.Duration) *Pool {
	return &Pool{wait: wait, free: n, places: n * (1 + int(wait/(10*time.Millisecond)))}
}

// run calls work when it is the caller's turn; ErrBusy when that does not come in time, or
// the line is full; ctx's error when the caller has gone.
func (p *Pool) run(ctx context.Context, reserved bool, work func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l := &p.lines[0]
	if reserved {
		l = &p.lines[1]
	}
	turn, err := p.enter(l)
	if err != nil {
		return err
	}
	if err := p.await(ctx, l, turn); err != nil {
		return err
	}
	defer p.leave(l)
	work()
	return nil
}

// enter takes a place in the line; a nil element is one that is served at once.
func (p *Pool) enter(l *line) (*list.Element, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.taken >= p.places {
		return nil, ErrBusy
	}
	l.taken++
	if p.free > 0 { // then nobody waits
		p.free--
		return nil, nil
	}
	return l.waiting.PushBack(make(chan struct{})), nil
}

// await waits for the turn.
func (p *Pool) await(ctx context.Context, l *line, turn *list.Element) error {
	if turn == nil {
		return nil
	}
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	err := ErrBusy
	select {
	case <-turn.Value.(chan struct{}):
		return nil
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-turn.Value.(chan struct{}): // it came this very moment
		p.next()
	default:
		l.waiting.Remove(turn)
	}
	l.taken--
	return err
}

// leave gives place and turn back.
func (p *Pool) leave(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.taken--
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
