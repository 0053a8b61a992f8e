package web

import (
	"context"
	"sync"
	"time"
)

// requestContext is the context of a request: the connection's context with a Request and a
// deadline. Its timer starts only when a caller waits for Done, because many requests are answered
// without waiting and starting a timer is the dearest part of a context.
type requestContext struct {
	context.Context
	request *Request
	end     time.Time // zero if there is no deadline

	mu     sync.Mutex
	timed  context.Context // nil until a caller waits for Done
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

// Value implements context.Context. Package context uses it to find the parent that cancels a
// child, so that it needs no goroutine for each child. Value must therefore ask the same context as
// Done.
func (c *requestContext) Value(key any) any {
	if key == (requestKey{}) {
		return c.request
	}
	return c.below().Value(key)
}

// below returns the context that this one delegates to: the one with the timer, once there is one.
func (c *requestContext) below() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed != nil {
		return c.timed
	}
	return c.Context
}

// release frees the timer. Edge calls it once the request has been answered.
func (c *requestContext) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}
