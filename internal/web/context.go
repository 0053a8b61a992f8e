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
	switch key {
	case requestKey{}:
		return c.request
	case lastingKey{}:
		return c
	}
	return c.below().Value(key)
}

// lastingKey is the key of the context of a request itself.
type lastingKey struct{}

// Lasting returns the context of a request without the deadline of Edge.Timeout, for an answer that goes on for long.
// It ends when the client is gone.
func Lasting(ctx context.Context) context.Context {
	if c, ok := ctx.Value(lastingKey{}).(*requestContext); ok {
		return lasting{c.Context, ctx}
	}
	return ctx
}

// lasting ends with one context, and has the values of another.
type lasting struct {
	context.Context
	values context.Context
}

// Value implements context.Context.
func (l lasting) Value(key any) any { return l.values.Value(key) }

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
