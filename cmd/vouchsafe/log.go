package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// newLog writes JSON for programs, and text for whoever sits at a terminal.
func newLog(cfg *Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		level = slog.LevelInfo // the check of the settings has complained
	}
	opts := &slog.HandlerOptions{Level: level}
	f, isFile := w.(*os.File)
	if cfg.LogFormat == "text" || cfg.LogFormat == "auto" && isFile && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// newServingLog is newLog for a server: to a file or pipe, the lines of one moment are
// written together, because one by one they cost more than many a request that they are
// about. Whoever ends the program calls flush first.
func newServingLog(cfg *Config, w io.Writer) (log *slog.Logger, flush func()) {
	f, isFile := w.(*os.File)
	if !isFile || term.IsTerminal(int(f.Fd())) {
		return newLog(cfg, w), func() {}
	}
	lines := &lines{to: w}
	return slog.New(urgent{newLog(cfg, lines).Handler(), lines}), lines.flush
}

const (
	// logDelay is how long a line may wait: so much of the log a kill -9 takes along. It is
	// no part of the audit trail, which is in the database.
	logDelay = 50 * time.Millisecond
	// logRoom is how many bytes may wait.
	logRoom = 32 << 10
)

// lines is a writer that gathers.
type lines struct {
	mu      sync.Mutex
	to      io.Writer
	waiting []byte
	timer   *time.Timer // nil until something waited
}

// Write implements io.Writer. Like a logger's it fails for nobody: a log that cannot be
// written must not stop what it is about.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.timer == nil:
		l.timer = time.AfterFunc(logDelay, l.flush)
	case len(l.waiting) == 0:
		l.timer.Reset(logDelay)
	}
	if l.waiting = append(l.waiting, line...); len(l.waiting) >= logRoom {
		l.write()
	}
	return len(line), nil
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write()
}

func (l *lines) write() {
	if len(l.waiting) > 0 {
		_, _ = l.to.Write(l.waiting) // there is nowhere else to say it
		l.waiting = l.waiting[:0]
	}
}

// urgent writes at once what an operator may be waiting for.
type urgent struct {
	slog.Handler
	lines *lines
}

func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.lines.flush()
	}
	return err
}

func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.lines}
}

func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.lines}
}
