package argon2id

import (
	"context"
	"errors"
	"runtime"
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

// Pool runs a bounded number of hashes at once. Others queue, first come first served.
type Pool struct {
	slots chan struct{}
	queue chan struct{}
	wait  time.Duration
}

// NewPool runs n hashes at once, which may be none, and lets others wait for so long.
// The queue is bounded too: to what could be done in that time if a hash took 10 ms.
func NewPool(n int, wait time.Duration) *Pool {
	places := n * (1 + int(wait/(10*time.Millisecond)))
	return &Pool{slots: make(chan struct{}, n), queue: make(chan struct{}, places), wait: wait}
}

// run calls work when a slot is free; ErrBusy when none becomes free in time, or the
// queue is full; ctx's error when the caller has gone.
func (p *Pool) run(ctx context.Context, work func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case p.queue <- struct{}{}:
	default:
		return ErrBusy
	}
	defer func() { <-p.queue }()

	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.slots }()
	work()
	return nil
}
