package web

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestRequestContextEnds: the deadline ends the context whether a caller waits for it from the
// start, later, or only asks for Err.
func TestRequestContextEnds(t *testing.T) {
	type state struct {
		parent context.Context
		stop   context.CancelFunc
		c      *requestContext
	}
	begin := func() state {
		parent, stop := context.WithCancel(context.WithValue(context.Background(), tenantKey{}, "below"))
		return state{parent, stop, &requestContext{Context: parent, request: &Request{ID: "r"},
			end: time.Now().Add(time.Minute)}}
	}
	for name, c := range map[string]struct {
		do   func(s state)
		want error
	}{
		"nothing happened":              {func(state) {}, nil},
		"nothing happened to who waits": {func(s state) { s.c.Done() }, nil},
		"time over":                     {func(state) { time.Sleep(time.Minute) }, context.DeadlineExceeded},
		"time over for who waits":       {func(s state) { <-s.c.Done() }, context.DeadlineExceeded},
		"waited after the time":         {func(s state) { time.Sleep(time.Hour); <-s.c.Done() }, context.DeadlineExceeded},
		"client gone":                   {func(s state) { s.stop() }, context.Canceled},
		"client gone from who waits":    {func(s state) { s.c.Done(); s.stop(); <-s.c.Done() }, context.Canceled},
		"child of it": {func(s state) {
			child, cancel := context.WithCancel(s.c)
			defer cancel()
			<-child.Done()
			if !errors.Is(child.Err(), context.DeadlineExceeded) {
				t.Errorf("the child ended with %v", child.Err())
			}
		}, context.DeadlineExceeded},
		"answered": {func(s state) { s.c.Done(); s.c.release(); <-s.c.Done() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := begin()
				defer s.stop()
				defer s.c.release()
				c.do(s)
				if got := s.c.Err(); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
					t.Errorf("ended with %v, want %v", got, c.want)
				}
				if at, ok := s.c.Deadline(); !ok || at.IsZero() {
					t.Errorf("its deadline is %v, %t", at, ok)
				}
				if s.c.Value(tenantKey{}) != "below" || RequestOf(s.c).ID != "r" {
					t.Error("it has lost its values")
				}
			})
		})
	}
}

// TestRequestContextNeedsNoGoroutine: a child context costs no goroutine, because package context
// finds its parent through Value.
func TestRequestContextNeedsNoGoroutine(t *testing.T) {
	c := &requestContext{Context: context.Background(), request: &Request{}, end: time.Now().Add(time.Hour)}
	defer c.release()
	before := runtime.NumGoroutine()
	for range 100 {
		_, cancel := context.WithCancel(c)
		defer cancel()
	}
	if after := runtime.NumGoroutine(); after > before+50 {
		t.Errorf("%d goroutines, were %d", after, before)
	}
}

// TestRequestContextWithoutEnd: without a deadline, the context ends with the connection.
func TestRequestContextWithoutEnd(t *testing.T) {
	parent, stop := context.WithCancel(context.Background())
	c := &requestContext{Context: parent, request: &Request{}}
	if _, ok := c.Deadline(); ok || c.Err() != nil {
		t.Error("it has an end")
	}
	stop()
	<-c.Done()
	if !errors.Is(c.Err(), context.Canceled) {
		t.Errorf("ended with %v", c.Err())
	}
}
