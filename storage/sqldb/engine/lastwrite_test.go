package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// A file that may not grow is what a full disk is to SQLite.
func TestAFullDiskIsRemembered(t *testing.T) {
	t.Parallel()
	s := openFile(t)
	pages := func(n int) {
		t.Helper()
		if err := s.engine.(*lite).writing.command(fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	pages(1) // which SQLite takes as: what there is, and no more
	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		err = s.engine.Write(t.Context(), spendIn(strings.Repeat(fmt.Sprint(i), 100)))
	}
	if !errors.Is(err, storage.ErrUnavailable) || !errors.Is(s.engine.WriteFault(), storage.ErrUnavailable) {
		t.Fatalf("got %v, and remembered %v", err, s.engine.WriteFault())
	}
	if _, err := s.engine.Ping(t.Context()); err != nil || s.engine.WriteFault() == nil {
		t.Errorf("reading: got %v, and remembered %v: it says nothing of writes", err, s.engine.WriteFault())
	}
	// What a caller is to blame for says nothing either.
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for ctx, run := range map[context.Context]func(Conn) error{
		cancelled:   spendIn("a"),
		t.Context(): func(Conn) error { return storage.ErrStale },
	} {
		if err := s.engine.Transact(ctx, run); err == nil || s.engine.WriteFault() == nil {
			t.Errorf("got %v, and remembered %v", err, s.engine.WriteFault())
		}
	}
	pages(1 << 20)
	if err := s.engine.Write(t.Context(), spendIn("room")); err != nil || s.engine.WriteFault() != nil {
		t.Errorf("with room again: got %v, and remembered %v", err, s.engine.WriteFault())
	}
	_ = s.engine.Write(cancelled, spendIn("b"))
	if err := s.engine.WriteFault(); err != nil {
		t.Errorf("of a caller who was gone it remembered %v", err)
	}
}
