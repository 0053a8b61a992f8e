package logging

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// Options say what is written and how, as the settings of the same names.
type Options struct {
	Level  string // debug, info, warn or error
	Format string // json, text, or auto: text on a terminal
}

// New returns a log that writes JSON for programs, or text for operators at a terminal.
func New(o Options, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.Level)); err != nil {
		level = slog.LevelInfo // the check of the settings has reported it
	}
	opts := &slog.HandlerOptions{Level: level}
	f, isFile := w.(*os.File)
	if o.Format == "text" || o.Format == "auto" && isFile && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(requestLines{slog.NewJSONHandler(w, opts), w})
}

// NewServing returns a log for a server. To a file or pipe, it writes the lines of one moment together,
// because one by one they cost more than many a request that they are about. Call flush before the
// program ends.
func NewServing(o Options, w io.Writer) (log *slog.Logger, flush func()) {
	f, isFile := w.(*os.File)
	if !isFile || term.IsTerminal(int(f.Fd())) {
		return slog.New(newRepeats(New(o, w).Handler())), func() {}
	}
	lines := &lines{to: w}
	plain := New(o, lines)
	lines.missed = func(n int) { plain.Warn("the log was not read: lines are missing here", "lines", n) }
	return slog.New(newRepeats(urgent{plain.Handler(), lines})), func() { lines.flush(logPatience) }
}

const (
	// logDelay is how long a line may wait: a kill -9 loses so much of the log. The audit trail is in
	// the database and loses nothing.
	logDelay = 50 * time.Millisecond
	// logRoom is how many bytes may wait for others.
	logRoom = 32 << 10
	// logMost is how many bytes may wait for the reader of the log. Later lines are lost.
	logMost = 1 << 20
	// logPatience is how long the program waits for the reader when it ends.
	logPatience = time.Second
)

// lines is a writer that gathers lines. No request waits for the reader of the log: a reader that hangs
// would stop the program, request by request.
type lines struct {
	to     io.Writer
	missed func(lines int) // logs that so many are missing

	mu             sync.Mutex
	waiting, spare []byte
	lost           int           // lines that were dropped because there was no room
	timer          *time.Timer   // nil until the first line came
	written        chan struct{} // closed when what waits has been written; nil unless flush waits
	busy, again    bool          // busy: a goroutine is writing; again: it has to write once more at once
}

// Write implements io.Writer. It never fails: a log that cannot be written must not stop the program.
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

// late is called when the oldest line has waited for logDelay.
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

// begin starts to write what waits. The caller holds mu.
func (l *lines) begin() {
	l.again = true
	if !l.busy {
		l.busy = true
		go l.write()
	}
}

// write writes what waits until there is nothing more to write.
func (l *lines) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.again {
		batch, lost, written := l.waiting, l.lost, l.written
		l.waiting, l.lost, l.written, l.again = l.spare, 0, nil, false
		l.mu.Unlock()
		if lost > 0 {
			l.missed(lost) // the warning comes after this batch
		}
		if len(batch) > 0 {
			_, _ = l.to.Write(batch) // there is no other place to report an error
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

// urgent is a handler that writes warnings and errors without delay, because an operator may be
// waiting for them.
type urgent struct {
	slog.Handler
	lines *lines
}

// Handle implements slog.Handler. It flushes after a warning.
func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.lines.flush(logDelay)
	}
	return err
}

// WithAttrs implements slog.Handler.
func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.lines}
}

// WithGroup implements slog.Handler.
func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.lines}
}
