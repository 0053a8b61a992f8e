package cache

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

func TestValuesAreNeverOlderThanTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stored, loads atomic.Int64
		c := Cache[string, int64]{
			Load: func(context.Context, string) (int64, error) { loads.Add(1); return stored.Load(), nil },
			Name: func(k string) string { return k },
		}
		get := func() int64 {
			t.Helper()
			v, err := c.Get(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		get()
		stored.Store(1)
		time.Sleep(TTL - 1)
		if got := get(); got != 0 || loads.Load() != 1 {
			t.Errorf("within TTL: got %d after %d loads, want the kept value", got, loads.Load())
		}
		time.Sleep(time.Nanosecond)
		if got := get(); got != 1 {
			t.Errorf("after TTL: got %d, want the stored value", got)
		}
		stored.Store(2)
		if got, _ := c.Fresh(t.Context(), "k"); got != 2 || get() != 2 {
			t.Errorf("Fresh: got %d, want the stored value", got)
		}
	})
}

func TestErrorsAreNotKept(t *testing.T) {
	fail := true
	c := Cache[string, int]{
		Load: func(context.Context, string) (int, error) {
			if fail {
				return 0, errors.New("down")
			}
			return 7, nil
		},
		Name: func(k string) string { return k },
	}
	if _, err := c.Get(t.Context(), "k"); err == nil {
		t.Fatal("no error")
	}
	fail = false
	if v, err := c.Get(t.Context(), "k"); v != 7 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
}

func TestSizeIsBounded(t *testing.T) {
	c := Cache[int, int]{
		Load: func(_ context.Context, k int) (int, error) { return k, nil },
		Name: func(k int) string { return strconv.Itoa(k) },
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range limit {
				if v, err := c.Get(context.Background(), w*limit+i); err != nil || v != w*limit+i {
					t.Errorf("got %d, %v", v, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if len(c.entries) > limit {
		t.Errorf("%d entries, want at most %d", len(c.entries), limit)
	}
}

// What cannot be read now is still told as it was; what is known to be gone is not.
func TestTheLastValueOutlivesAnOutage(t *testing.T) {
	gone, away := errors.New("gone"), errors.New("away")
	synctest.Test(t, func(t *testing.T) {
		var err error
		c := Cache[string, int]{
			Load:  func(context.Context, string) (int, error) { return 7, err },
			Name:  func(k string) string { return k },
			Keeps: func(err error) bool { return err == away },
		}
		if _, ok := c.Last("k"); ok {
			t.Error("a value that was never read")
		}
		_, _ = c.Get(t.Context(), "k")
		for _, err = range []error{away, away, gone} {
			time.Sleep(TTL)
			if _, got := c.Get(t.Context(), "k"); got != err {
				t.Errorf("got %v, want %v: what is old is not served", got, err)
			}
			if v, ok := c.Last("k"); ok != (err == away) || ok && v != 7 {
				t.Errorf("after %v: got %d, %v", err, v, ok)
			}
		}
		err = away
		_, _ = c.Get(t.Context(), "k")
		if _, ok := c.Last("k"); ok {
			t.Error("what is gone is still told")
		}
	})
}
