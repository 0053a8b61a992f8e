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
	return slog.New(requestLines{slog.NewJSONHandler(w, opts), w})
}

// newServingLog is newLog for a server: to a file or pipe, the lines of one moment are
// written together, because one by one they cost more than many a request that they are
// about. Whoever ends the program calls flush first.
func newServingLog(cfg *Config, w io.Writer) (log *slog.Logger, flush func()) {
	f, isFile := w.(*os.File)
	if !isFile || term.IsTerminal(int(f.Fd())) {
		return slog.New(newRepeats(newLog(cfg, w).Handler())), func() {}
	}
	lines := &lines{to: w}
	plain := newLog(cfg, lines)
	lines.missed = func(n int) { plain.Warn("the log was not read: lines are missing here", "lines", n) }
	return slog.New(newRepeats(urgent{plain.Handler(), lines})), func() { lines.flush(logPatience) }
}

const (
	// logDelay is how long a line may wait: so much of the log a kill -9 takes along. It is
	// no part of the audit trail, which is in the database.
	logDelay = 50 * time.Millisecond
	// logRoom is how many bytes may wait for others.
	logRoom = 32 << 10
	// logMost is how many may wait for whoever reads the log. What comes then is lost.
	logMost = 1 << 20
	// logPatience is how long the program waits for its reader in the end.
	logPatience = time.Second
)

// lines is a writer that gathers. Nobody who logs waits for whoever reads the log: one that
// hangs would stop the program, request by request.
type lines struct {
	to     io.Writer
	missed func(lines int) // logs that so many are missing

	mu             sync.Mutex
	waiting, spare []byte
	lost           int           // lines for which there was no room
	timer          *time.Timer   // nil until something waited
	written        chan struct{} // closed when what waits is written; nil when nobody asked
	busy, again    bool          // something is being written; more is to be, at once
}

// Write implements io.Writer. Like a logger's it fails for nobody: a log that cannot be
// written must not stop what it is about.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting)+len(line) > logMost {
		l.lost++
		return len(line), nil
	}
	switch {
	case l.timer == nil:
		l.timer = time.AfterFunc(logDelay, l.late)
	case len(l.waiting) == 0:
		l.timer.Reset(logDelay)
	}
	if l.waiting = append(l.waiting, line...); len(l.waiting) >= logRoom {
		l.begin()
	}
	return len(line), nil
}

func (l *lines) late() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin()
}

// flush waits until what waits is written, but no longer than patience.
func (l *lines) flush(patience time.Duration) {
	l.mu.Lock()
	if l.written == nil {
		l.written = make(chan struct{})
	}
	written := l.written
	l.begin()
	l.mu.Unlock()
	select {
	case <-written:
	case <-time.After(patience):
	}
}

// begin has what waits written. The caller holds mu.
func (l *lines) begin() {
	l.again = true
	if !l.busy {
		l.busy = true
		go l.write()
	}
}

func (l *lines) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.again {
		batch, lost, written := l.waiting, l.lost, l.written
		l.waiting, l.lost, l.written, l.again = l.spare, 0, nil, false
		l.mu.Unlock()
		if lost > 0 {
			l.missed(lost) // behind the batch
		}
		if len(batch) > 0 {
			_, _ = l.to.Write(batch) // there is nowhere else to say it
		}
		if written != nil {
			close(written)
		}
		l.mu.Lock()
		if l.spare = nil; cap(batch) <= 2*logRoom {
			l.spare = batch[:0]
		}
	}
	l.busy = false
}

// urgent writes at once what an operator may be waiting for.
type urgent struct {
	slog.Handler
	lines *lines
}

func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.lines.flush(logDelay)
	}
	return err
}

func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.lines}
}

func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.lines}
}
