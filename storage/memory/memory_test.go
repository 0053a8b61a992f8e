package memory_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
	"github.com/vouchsafe/vouchsafe/storage/memory"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

func TestContract(t *testing.T) {
	storagetest.Ephemeral(t, memory.New(), time.Sleep)
}

func TestFullIsRefusedAndNothingEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx := memory.New(), t.Context()
		s.MaxBytes = 100_000
		stored := 0
		for ; ; stored++ {
			err := s.Put(ctx, fmt.Sprint("key ", stored), []byte("value"), time.Hour)
			if errors.Is(err, storage.ErrUnavailable) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if stored < 300 {
			t.Fatalf("full after %d entries", stored)
		}
		// Counters have rooms of their own.
		a, err := s.Admit(ctx, []ephemeral.Counter{{Key: "counter", Max: 1, Window: time.Hour}})
		if a.By != -1 || err != nil {
			t.Errorf("got %+v, %v, want it counted", a, err)
		}
		for i := range stored {
			if _, err := s.Get(ctx, fmt.Sprint("key ", i)); err != nil {
				t.Fatalf("entry %d: %v", i, err)
			}
		}
		time.Sleep(time.Hour) // what has expired makes room
		for i := range stored {
			if err := s.Put(ctx, fmt.Sprint("new key ", i)[4:], []byte("value"), time.Hour); err != nil {
				t.Fatalf("entry %d of %d: %v", i, stored, err)
			}
		}
	})
}

// full is a store in which strangers' counters have no room left: as many as it gives.
func full(t *testing.T) (s *memory.Store, taken int) {
	t.Helper()
	s = memory.New()
	s.MaxBytes = 200_000
	for taken = range 2000 {
		attempt(t, s, fmt.Sprint("flood ", taken), 1)
	}
	return s, taken
}

// attempt reports whether an attempt is admitted.
func attempt(t *testing.T, s *memory.Store, key string, most int64) bool {
	t.Helper()
	a, err := s.Admit(t.Context(), []ephemeral.Counter{{Key: key, Max: most, Window: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	return a.By == -1
}

func TestFullRoomRefusesFewAndAllowsNoMoreAttempts(t *testing.T) {
	s, flooded := full(t)
	for i := range flooded { // each used up its one attempt, those without room too
		if attempt(t, s, fmt.Sprint("flood ", i), 1) {
			t.Fatalf("counter %d of %d began anew", i, flooded)
		}
	}
	refused := 0
	for i := range 1000 {
		if !attempt(t, s, fmt.Sprint("honest ", i), 1) {
			refused++
		}
	}
	if refused > 100 { // 2,000 of 32,768 are used up, and some 500 by those before
		t.Errorf("%d of 1,000 newcomers were refused", refused)
	}
	for range 100 {
		attempt(t, s, "guesses", 5)
	}
	if attempt(t, s, "guesses", 5) {
		t.Error("a hundred attempts where five are allowed")
	}
}

func TestFullRoomForgivesNoOtherCounter(t *testing.T) {
	s, _ := full(t)
	c := ephemeral.Counter{Key: "guesses", Max: 5, Window: time.Hour}
	for range 5 {
		attempt(t, s, c.Key, c.Max)
	}
	if err := s.Release(t.Context(), ephemeral.Release{Forget: []ephemeral.Counter{c}}); err != nil {
		t.Fatal(err)
	}
	if !attempt(t, s, c.Key, c.Max) || attempt(t, s, c.Key, c.Max) {
		t.Error("a right attempt gives back another number than one in a shared counter")
	}
}

func TestStrangersDoNotFillTheRoomOfTheKnown(t *testing.T) {
	s, _ := full(t)
	known := func(key string) ephemeral.Counter {
		return ephemeral.Counter{Key: key, Max: 1, Window: time.Hour, Reserved: true}
	}
	for i := range 300 {
		a, err := s.Admit(t.Context(), []ephemeral.Counter{known(fmt.Sprint("device ", i))})
		if err != nil || a.By != -1 {
			t.Fatalf("device %d: got %+v, %v", i, a, err)
		}
	}
}

func TestCountersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := full(t)
		time.Sleep(time.Hour)
		for i := range 300 { // which is as many as have room
			if !attempt(t, s, fmt.Sprint("later ", i), 1) {
				t.Fatalf("counter %d is refused", i)
			}
		}
	})
}

func BenchmarkAdmit(b *testing.B) {
	s := memory.New()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			_, err := s.Admit(b.Context(), []ephemeral.Counter{
				{Key: fmt.Sprint("network ", i%1000), Max: 1 << 40, Window: time.Hour},
				{Key: fmt.Sprint("name ", i%1000), Max: 1 << 40, Window: time.Minute, Longest: time.Hour},
				{Key: "tenant", Max: 1 << 40, Window: time.Minute},
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
