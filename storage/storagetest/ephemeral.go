package storagetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// Ephemeral tests an empty store. sleep lets time pass: really, or for the store.
func Ephemeral(t *testing.T, s ephemeral.Store, sleep func(time.Duration)) {
	ctx := t.Context()
	const long = time.Hour

	t.Run("put, get, take", func(t *testing.T) {
		_, err := s.Get(ctx, "a")
		want(t, err, storage.ErrNotFound)
		value := []byte{0, 255, 'x'}
		must(t, s.Put(ctx, "a", value, long))
		want(t, s.Put(ctx, "a", []byte("other"), long), storage.ErrExists)
		value[2] = 'y' // the caller's own again
		got, err := s.Get(ctx, "a")
		same(t, got, err, []byte{0, 255, 'x'})
		got, err = s.Take(ctx, "a")
		same(t, got, err, []byte{0, 255, 'x'})
		_, err = s.Take(ctx, "a")
		want(t, err, storage.ErrNotFound)
		must(t, s.Put(ctx, "a", nil, long))
		got, err = s.Get(ctx, "a")
		must(t, err)
		if len(got) != 0 {
			t.Errorf("got %q, want nothing", got)
		}
		_, err = s.Take(ctx, "a")
		must(t, err)
		_, err = s.Get(ctx, "a")
		want(t, err, storage.ErrNotFound)
		must(t, s.Ping(ctx))
	})

	t.Run("expiry", func(t *testing.T) {
		must(t, s.Put(ctx, "long", []byte("x"), long))
		var err error
		// a slow machine takes the longer
		for i, ttl := range []time.Duration{300 * time.Millisecond, 3 * time.Second, 15 * time.Second} {
			if err = ends(t, s, fmt.Sprint("short ", i), ttl, sleep); err == nil {
				break
			}
		}
		must(t, err)
		_, err = s.Get(ctx, "long")
		must(t, err)
	})

	t.Run("races", func(t *testing.T) {
		oneWinner(t, race(racers, func(i int) error {
			return s.Put(ctx, "race", fmt.Append(nil, i), long)
		}), storage.ErrExists)
		oneWinner(t, race(racers, func(int) error {
			_, err := s.Take(ctx, "race")
			return err
		}), storage.ErrNotFound)
	})

	counters(t, s, sleep)
}

// ends says what is wrong with a value that is to live for ttl: it may be that the machine
// was too slow to see it alive.
func ends(t *testing.T, s ephemeral.Store, key string, ttl time.Duration, sleep func(time.Duration)) error {
	t.Helper()
	ctx := t.Context()
	must(t, s.Put(ctx, key, []byte("x"), ttl))
	sleep(ttl * 2 / 3)
	if _, err := s.Get(ctx, key); err != nil {
		return err
	}
	sleep(ttl * 2 / 3)
	_, err := s.Get(ctx, key)
	want(t, err, storage.ErrNotFound)
	_, err = s.Take(ctx, key)
	want(t, err, storage.ErrNotFound)
	must(t, s.Put(ctx, key, []byte("y"), ttl))
	return nil
}

// meter counts attempts at a store.
type meter struct {
	*testing.T
	ephemeral.Store
}

// try says which counter refused an attempt, or -1, and how the counters stand.
func (m meter) try(by ...ephemeral.Counter) (refused int, counts []int64) {
	m.Helper()
	a, err := m.Admit(m.Context(), by)
	must(m.T, err)
	if a.By >= 0 && (a.Wait <= 0 || a.Counts != nil || a.Over != nil) {
		m.Errorf("refused with %+v, want a time to wait, and no more", a)
	}
	return a.By, a.Counts
}

// wants tries so often, and fails unless each attempt is admitted, or each refused by one.
func (m meter) wants(times, refused int, by ...ephemeral.Counter) {
	m.Helper()
	for i := range times {
		if got, _ := m.try(by...); got != refused {
			m.Fatalf("attempt %d: refused by %d, want %d", i+1, got, refused)
		}
	}
}

// gives releases counters, and fails the test if the store does not answer.
func (m meter) gives(r ephemeral.Release) {
	m.Helper()
	must(m.T, m.Release(m.Context(), r))
}

// step is an attempt after some time, and whether it is admitted.
type step struct {
	after    time.Duration
	admitted bool
}

// follow makes the attempts of the steps.
func (m meter) follow(sleep func(time.Duration), c ephemeral.Counter, steps ...step) error {
	m.Helper()
	for i, s := range steps {
		sleep(s.after)
		if refused, _ := m.try(c); refused == -1 != s.admitted {
			return fmt.Errorf("attempt %d: admitted is %v", i+1, refused == -1)
		}
	}
	return nil
}

// inTime tests with a window that is short at first, and longer when the machine is slow.
func (m meter) inTime(test func(c ephemeral.Counter) error) {
	m.Helper()
	var err error
	for _, window := range []time.Duration{200 * time.Millisecond, 2 * time.Second, 10 * time.Second} {
		if err = test(ephemeral.Counter{Key: "{" + m.Name() + window.String() + "}", Max: 2, Window: window}); err == nil {
			return
		}
	}
	m.Error(err)
}

// allow returns a counter by its key.
func allow(key string, most int64) ephemeral.Counter {
	return ephemeral.Counter{Key: "{" + key + "}", Max: most, Window: time.Hour}
}

// beside are counters that belong together.
func beside(together, key string, most int64) ephemeral.Counter {
	return ephemeral.Counter{Key: "{" + together + "}" + key, Max: most, Window: time.Hour}
}

// counters counts attempts against several bounds at once: an attempt that one of them refuses is counted by none.
func counters(t *testing.T, s ephemeral.Store, sleep func(time.Duration)) {
	run := func(name string, test func(m meter)) {
		t.Run("counters/"+name, func(t *testing.T) { test(meter{t, s}) })
	}
	run("one", func(m meter) {
		m.wants(3, -1, allow("one", 3))
		m.wants(3, 0, allow("one", 3))
		m.wants(1, -1, allow("another", 3))
		_, counts := m.try(allow("another", 3))
		same(m.T, counts, nil, []int64{2})
	})
	run("all or none", func(m meter) {
		narrow, wide := beside("all", "narrow", 2), beside("all", "wide", 5)
		m.wants(2, -1, wide, narrow)
		m.wants(9, 1, wide, narrow) // which count nowhere
		m.wants(3, -1, wide, beside("all", "other", 9))
		m.wants(1, 0, wide, narrow)
	})
	run("look", func(m meter) {
		c, look := beside("look", "c", 2), beside("look", "c", 2)
		look.Look = true
		m.wants(5, -1, look)
		m.wants(2, -1, c)
		m.wants(1, 0, look)
	})
	run("quiet", func(m meter) {
		shown, quiet := beside("quiet", "shown", 5), beside("quiet", "quiet", 2)
		quiet.Quiet = true
		for i := range 5 {
			a, err := m.Admit(m.Context(), []ephemeral.Counter{shown, quiet})
			must(m.T, err)
			if a.By != -1 || a.Over[0] || a.Over[1] != (i >= 2) || a.Counts[0] != int64(i+1) {
				m.Errorf("attempt %d: got %+v", i+1, a)
			}
		}
		m.wants(1, 0, shown, quiet)
	})
	run("release", func(m meter) {
		back, gone := beside("release", "back", 3), beside("release", "gone", 3)
		m.wants(3, -1, back, gone)
		m.gives(ephemeral.Release{Back: []ephemeral.Counter{back}, Forget: []ephemeral.Counter{gone}})
		m.wants(1, -1, back, gone)
		m.wants(1, 0, back, gone)
		for range 5 { // not below nothing
			m.gives(ephemeral.Release{Back: []ephemeral.Counter{back, beside("release", "new", 3)}})
		}
		m.wants(3, -1, back)
		m.wants(1, 0, back)
		m.wants(3, -1, beside("release", "new", 3))
		m.wants(1, 0, beside("release", "new", 3))
	})
	run("release within a bound", func(m meter) {
		c, within := beside("within", "c", 1), beside("within", "bound", 2)
		for range 2 {
			m.wants(1, -1, c)
			m.gives(ephemeral.Release{Within: within, Forget: []ephemeral.Counter{c}})
		}
		m.wants(1, -1, c)
		m.gives(ephemeral.Release{Within: within, Forget: []ephemeral.Counter{c}, Back: []ephemeral.Counter{c}})
		m.wants(1, 0, c)
	})
	run("reserved", func(m meter) {
		c := allow("reserved", 2)
		c.Reserved = true
		m.wants(2, -1, c)
		m.wants(1, 0, c)
		m.gives(ephemeral.Release{Forget: []ephemeral.Counter{c}})
		m.wants(1, -1, c)
	})
	run("windows", func(m meter) {
		m.inTime(func(c ephemeral.Counter) error {
			return m.follow(sleep, c, step{0, true}, step{c.Window * 2 / 3, true}, // which does not prolong it
				step{0, false}, step{c.Window * 2 / 3, true}, step{0, true}, step{0, false})
		})
	})
	run("growing waits", func(m meter) {
		m.inTime(func(c ephemeral.Counter) error {
			c.Longest = 2 * c.Window
			err := m.follow(sleep, c, step{0, true}, step{0, true}, step{0, false}, step{0, false},
				step{c.Window * 5 / 4, true}, step{0, true}, step{0, false}, // the second wait is the longer
				step{c.Window * 5 / 4, false}, step{c.Window, true}, step{0, true}, step{0, false})
			m.gives(ephemeral.Release{Forget: []ephemeral.Counter{c}})
			return errors.Join(err, m.follow(sleep, c, step{0, true}, step{0, true}, step{0, false},
				step{c.Window * 5 / 4, true}))
		})
	})
	run("at once", func(m meter) {
		by := []ephemeral.Counter{beside("once", "a", 5), beside("once", "b", 3)}
		refused := errors.New("refused")
		admitted := 0
		for _, err := range race(racers, func(int) error {
			a, err := m.Admit(m.Context(), by)
			if err == nil && a.By >= 0 {
				err = refused
			}
			return err
		}) {
			switch {
			case err == nil:
				admitted++
			case !errors.Is(err, refused):
				m.Error(err)
			}
		}
		if admitted != 3 {
			m.Errorf("%d of %d at once were admitted, want 3", admitted, racers)
		}
	})
}
