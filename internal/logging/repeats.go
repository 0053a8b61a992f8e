package logging

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// repeats is a handler that writes a repeated message a few times a second and then counts it: a message
// for each request of an attacker must not fill the disk. The line of every request is written, because
// operators look for it.
type repeats struct {
	slog.Handler
	seen *seen
}

// repeatsEach is how many lines of one message are written in a second.
const repeatsEach = 5

// seen holds the messages of the current second.
type seen struct {
	mu       sync.Mutex
	messages map[string]*repeated
}

// repeated is a message in the current second.
type repeated struct {
	began  time.Time
	times  int
	missed int
	last   slog.Record // the latest record that was not written
	to     slog.Handler
}

// newRepeats returns h with a bound on repeated messages.
func newRepeats(h slog.Handler) slog.Handler {
	return repeats{h, &seen{messages: map[string]*repeated{}}}
}

// Handle implements slog.Handler.
func (h repeats) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == web.RequestLine {
		return h.Handler.Handle(ctx, r)
	}
	if h.seen.more(h.Handler, r) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// more counts a record, and reports whether there were already enough of the same message in this
// second. The first record beyond starts a timer, after which the number of records left out is
// written.
func (s *seen) more(to slog.Handler, r slog.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[r.Message] // messages are constants, so that there are few
	if m == nil {
		m = &repeated{}
		s.messages[r.Message] = m
	}
	if m.missed == 0 && r.Time.Sub(m.began) >= time.Second {
		m.began, m.times = r.Time, 0
	}
	if m.times++; m.times <= repeatsEach {
		return false
	}
	m.missed++
	m.last, m.to = r.Clone(), to
	if m.missed == 1 {
		time.AfterFunc(time.Second, func() { s.tell(m) })
	}
	return true
}

// tell writes the latest record that was left out, with the number of all of them.
func (s *seen) tell(m *repeated) {
	s.mu.Lock()
	line, to := m.last, m.to
	line.AddAttrs(slog.Int("repeated", m.missed))
	m.missed, m.times, m.began = 0, 0, time.Now()
	s.mu.Unlock()
	// a Logger ignores this error, too: there is no other place to report it
	_ = to.Handle(context.Background(), line)
}

// WithAttrs implements slog.Handler.
func (h repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	return repeats{h.Handler.WithAttrs(attrs), h.seen}
}

// WithGroup implements slog.Handler.
func (h repeats) WithGroup(name string) slog.Handler {
	return repeats{h.Handler.WithGroup(name), h.seen}
}
