package datadir

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Folders that know no locks serve all the same, as they did.
func TestFoldersWithoutLocks(t *testing.T) {
	t.Parallel()
	for _, why := range []error{syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.ENOLCK, syscall.EINVAL,
		errors.ErrUnsupported} {
		var log strings.Builder
		l := Lock{dir: Dir(t.TempDir()), log: slog.New(slog.NewTextHandler(&log, nil)), flock: func(*os.File) error {
			return why
		}}
		if err := l.take(t.Context(), holder{}); err != nil {
			t.Errorf("%v: got %v", why, err)
		}
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "knows no locks") {
			t.Errorf("%v: got log %s", why, &log)
		}
		l.Stopping(time.Second)
		if err := l.Release(); err != nil {
			t.Errorf("%v: got %v", why, err)
		}
	}
}

// The folder may be one that others can write to.
func TestLockFileIsNoLink(t *testing.T) {
	t.Parallel()
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	write(t, elsewhere, "precious")
	d := Dir(t.TempDir())
	if err := os.Symlink(elsewhere, d.lockFile()); err != nil {
		t.Fatal(err)
	}
	l := NewLock(d, slog.New(slog.DiscardHandler))
	if err := l.take(t.Context(), holder{}); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
		t.Errorf("got %q, %v", text, err)
	}
}

// A start that is told to stop does not wait.
func TestWaitingForAFolderEnds(t *testing.T) {
	t.Parallel()
	d := Dir(t.TempDir())
	first, second := NewLock(d, slog.New(slog.DiscardHandler)), NewLock(d, slog.New(slog.DiscardHandler))
	if err := first.take(t.Context(), holder{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := second.take(ctx, holder{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if err := second.take(t.Context(), holder{}); err != nil {
		t.Errorf("after a release: got %v", err)
	}
	_ = second.Release()
}
