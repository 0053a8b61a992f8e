package memory_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
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
		if _, err := s.Count(ctx, "counter", time.Hour); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
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
		for i := range stored {
			if err := s.Forget(ctx, fmt.Sprint("key ", i)); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.Count(ctx, "counter", time.Hour); n != 1 || err != nil {
			t.Errorf("got %d, %v, want 1", n, err)
		}
	})
}

func BenchmarkCount(b *testing.B) {
	s := memory.New()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Count(b.Context(), fmt.Sprint(i%1000), time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	})
}
