package installation

import (
	"log/slog"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage/memory"
)

// A user who is signed in can fill the ephemeral store for an hour. All other users must still be
// able to sign in, and guesses count all the same.
func TestAFullStoreDoesNotEndSignIn(t *testing.T) {
	t.Parallel()
	shared, local, closed, err := OpenEphemeral(&settings.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closed() })
	shared.(*memory.Store).MaxBytes = 1
	l := &limit.Limiter{Shared: shared, Local: local, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	rule := limit.Rule{Name: "test", Max: 3, Window: time.Minute}
	for i := range 5 {
		if _, ok := l.Allow(t.Context(), "default", "", rule, "jo"); ok != (i < 3) {
			t.Errorf("attempt %d: got %v, want %v", i+1, ok, i < 3)
		}
	}
}
