package storagetest

import (
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
