package web

import (
	"context"
	"sync"
	"time"
)

// requestContext is a request's context: the connection's, with its Request and its end.
// A timer is set when somebody waits for the end. Many a request is answered without
// waiting for anything, and a timer costs more than all else here.
type requestContext struct {
	context.Context
	request *Request
	end     time.Time // zero: there is none

	mu     sync.Mutex
	timed  context.Context // nil until somebody waits
	cancel context.CancelFunc
}

// Deadline implements context.Context.
func (c *requestContext) Deadline() (time.Time, bool) {
	if at, ok := c.Context.Deadline(); c.end.IsZero() || ok && at.Before(c.end) {
		return at, ok
	}
	return c.end, true
}

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} {
	if c.end.IsZero() {
		return c.Context.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.Context, c.end)
	}
	return c.timed.Done()
}

// Err implements context.Context.
func (c *requestContext) Err() error {
	ctx := c.below()
	if err := ctx.Err(); err != nil || ctx != c.Context || c.end.IsZero() || time.Now().Before(c.end) {
		return err
	}
	return context.DeadlineExceeded
}

// Value implements context.Context. Package context finds by it what is cancelled with
// what, without a goroutine for each: so it must lead to what Done leads to.
func (c *requestContext) Value(key any) any {
	if key == (requestKey{}) {
		return c.request
	}
	return c.below().Value(key)
}

// below is the context that this one goes by.
func (c *requestContext) below() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed != nil {
		return c.timed
	}
	return c.Context
}

// release ends what waits for the request, which has been answered.
func (c *requestContext) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}
