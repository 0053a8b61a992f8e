package argon2id

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestPoolBoundsWhatRunsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2, time.Second)
		var running, most, done, busy atomic.Int64
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				err := p.run(t.Context(), func() {
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
	p := NewPool(1, time.Hour)
	p.slots <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	work := func() { t.Error("worked for a caller who has gone") }
	if err := p.run(ctx, work); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while waiting: got %v", err)
	}
	<-p.slots
	if err := p.run(ctx, work); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before waiting: got %v", err)
	}
	if err := p.run(t.Context(), func() {}); err != nil {
		t.Errorf("afterwards: got %v", err)
	}
	if len(p.queue) != 0 || len(p.slots) != 0 {
		t.Errorf("%d places and %d slots were not given back", len(p.queue), len(p.slots))
	}
}
