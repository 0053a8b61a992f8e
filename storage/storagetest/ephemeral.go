package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Ephemeral tests an empty store. sleep lets time pass: really, or for the store.
func Ephemeral(t *testing.T, s storage.Ephemeral, sleep func(time.Duration)) {
	ctx := t.Context()
	const long, short = time.Hour, 300 * time.Millisecond

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
		must(t, s.Put(ctx, "short", []byte("x"), short))
		must(t, s.Put(ctx, "long", []byte("x"), long))
		sleep(short * 2 / 3)
		_, err := s.Get(ctx, "short")
		must(t, err)
		sleep(short * 2 / 3)
		_, err = s.Get(ctx, "short")
		want(t, err, storage.ErrNotFound)
		_, err = s.Take(ctx, "short")
		want(t, err, storage.ErrNotFound)
		_, err = s.Get(ctx, "long")
		must(t, err)
		must(t, s.Put(ctx, "short", []byte("y"), short))
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
