package atonce

import (
	"errors"
	"testing"
)

// TestDo: the functions wait for each other, so they run at the same time; errors and panics reach the caller.
func TestDo(t *testing.T) {
	t.Parallel()
	meet, wrong := make(chan struct{}), errors.New("wrong")
	err := Do(func() error { meet <- struct{}{}; return nil }, func() error { <-meet; return wrong })
	if !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
	defer func() {
		if p := recover(); p != "broken" {
			t.Errorf("got the panic %v", p)
		}
	}()
	_ = Do(func() error { return nil }, func() error { panic("broken") })
	t.Error("no panic")
}
