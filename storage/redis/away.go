package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vouchsafe/vouchsafe/storage"
)

// askAgain is how often a Redis that does not answer is asked whether it is back.
const askAgain = 500 * time.Millisecond

// away keeps requests from waiting, one after the other and several times each, for a Redis
// that does not answer: once one has waited, all do without it until it is back. With
// a Cluster that is for as long as it takes to ask, at the most, while another node lives.
type away struct {
	ping func(context.Context) error

	mu     sync.Mutex
	is     bool
	closed bool
	ctx    context.Context // of the question, which outlives the call that causes it
	cancel context.CancelFunc
	asking sync.WaitGroup
}

// do runs the command, unless Redis is away.
func (a *away) do(ctx context.Context, op string, command func(context.Context) error) error {
	if a.now() {
		return fmt.Errorf("%s: %w: redis has not answered lately", op, storage.ErrUnavailable)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	err := command(ctx)
	if unanswered(err) {
		a.left()
	}
	return fault(op, err)
}

// now reports whether Redis is away.
func (a *away) now() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.is
}

// unanswered reports whether Redis did not answer: an error of Redis's own is an answer, and a
// caller that hung up says nothing about Redis.
func unanswered(err error) bool {
	_, answer := errors.AsType[redis.Error](err)
	return err != nil && !answer && !errors.Is(err, context.Canceled)
}

// left notes that Redis is away, and has it asked until it is back.
func (a *away) left() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.is || a.closed {
		return
	}
	if a.cancel == nil {
		a.ctx, a.cancel = context.WithCancel(context.Background())
	}
	a.is = true
	a.asking.Go(a.ask)
}

// ask asks Redis until it answers, or until close.
func (a *away) ask() {
	for a.ping(a.ctx) != nil {
		select {
		case <-a.ctx.Done():
			return
		case <-time.After(askAgain):
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.is = false
}

// close ends the asking, as soon as the question that is under way has an end.
func (a *away) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.cancel != nil {
		a.cancel()
	}
}
