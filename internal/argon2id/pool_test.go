package argon2id

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestPoolBoundsWhatRunsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2, time.Second)
		var running, most, done, busy atomic.Int64
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				err := p.run(t.Context(), "", func() {
					n := running.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(40 * time.Millisecond)
					running.Add(-1)
				})
				switch {
				case err == nil:
					done.Add(1)
				case errors.Is(err, ErrBusy):
					busy.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		start := time.Now()
		wg.Wait()
		if most.Load() != 2 {
			t.Errorf("got %d at once, want 2", most.Load())
		}
		// 2 slots, 40 ms each, for a second of waiting.
		if done.Load() < 48 || done.Load() > 54 || done.Load()+busy.Load() != 500 {
			t.Errorf("got %d done and %d shed of 500", done.Load(), busy.Load())
		}
		if took := time.Since(start); took > 1100*time.Millisecond {
			t.Errorf("the last waited %v, want about a second", took)
		}
	})
}

func TestPoolLetsCallersGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, time.Hour)
		end := occupy(t, p, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		work := func() { t.Error("worked for a caller who has gone") }
		if err := p.run(ctx, "", work); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while waiting: got %v", err)
		}
		end()
		if err := p.run(ctx, "", work); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before waiting: got %v", err)
		}
		if err := p.run(t.Context(), "", func() {}); err != nil {
			t.Errorf("afterwards: got %v", err)
		}
		if p.free != 1 || p.lines[0].taken != 0 || p.lines[0].waiting.Len() != 0 {
			t.Errorf("got %d free, %d places taken and %d who wait, want 1, 0 and 0", p.free, p.lines[0].taken,
				p.lines[0].waiting.Len())
		}
	})
}

// occupy fills the pool with n hashes that last until end is called.
func occupy(t *testing.T, p *Pool, n int) (end func()) {
	t.Helper()
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := p.run(t.Context(), "", func() { <-done }); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
	return func() { close(done); wg.Wait() }
}

// TestKnownAreServedInAFlood of unknown callers that fill all places of their line.
func TestKnownAreServedInAFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2, time.Second)
		ctx, stop := context.WithCancel(t.Context())
		var shed atomic.Int64
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				for ctx.Err() == nil {
					if errors.Is(p.run(ctx, "", func() { time.Sleep(40 * time.Millisecond) }), ErrBusy) {
						shed.Add(1)
						time.Sleep(10 * time.Millisecond)
					}
				}
			})
		}
		time.Sleep(time.Second)
		for range 10 {
			start := time.Now()
			if err := p.run(t.Context(), "jo", func() { time.Sleep(40 * time.Millisecond) }); err != nil {
				t.Errorf("a known caller: got %v", err)
			}
			if took := time.Since(start); took > 200*time.Millisecond {
				t.Errorf("a known caller waited %v", took)
			}
		}
		if shed.Load() == 0 {
			t.Error("no stranger was refused: the test shows nothing")
		}
		stop()
		wg.Wait()
	})
}

// TestStrangersAreServedBesideTheKnown: unknown callers get turns, however many known ones wait.
func TestStrangersAreServedBesideTheKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, time.Minute)
		end := occupy(t, p, 1)
		var order []bool
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				reserved, known := i >= 10, ""
				if reserved {
					known = strconv.Itoa(i)
				}
				if err := p.run(t.Context(), known, func() { order = append(order, reserved) }); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		end()
		wg.Wait()
		strangers := 0
		for _, reserved := range order[:20] {
			if !reserved {
				strangers++
			}
		}
		if strangers != 5 {
			t.Errorf("%d of the first 20 were strangers, want every fourth", strangers)
		}
	})
}

// TestOneOfTheKnownHoldsUpNoOther: the owner of one account can sign in with any number of
// browsers, and all of them are known.
func TestOneOfTheKnownHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2, time.Second)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				for ctx.Err() == nil {
					if errors.Is(p.run(ctx, "the attacker", func() { time.Sleep(40 * time.Millisecond) }), ErrBusy) {
						time.Sleep(10 * time.Millisecond)
					}
				}
			})
		}
		time.Sleep(time.Second)
		for i := range 10 {
			start := time.Now()
			if err := p.run(t.Context(), strconv.Itoa(i), func() { time.Sleep(40 * time.Millisecond) }); err != nil {
				t.Errorf("another known caller: got %v", err)
			}
			if took := time.Since(start); took > 200*time.Millisecond {
				t.Errorf("another known caller waited %v", took)
			}
		}
		stop()
		wg.Wait()
		if len(p.held) != 0 || p.lines[0].taken != 0 || p.lines[1].taken != 0 {
			t.Errorf("places are held when all have gone: %v, %d, %d", p.held, p.lines[0].taken, p.lines[1].taken)
		}
	})
}
