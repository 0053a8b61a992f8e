package sentry

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxWaiting is how many reports wait to be sent. Each takes some kilobytes.
	maxWaiting = 32
	// every is how often one error is reported, and most is how many errors are in that time.
	every = time.Minute
	most  = 60
	// patience is how long the service may take for a report, and how long a stopping server waits for all of them.
	patience = 10 * time.Second
	// pause is how long none is sent after the service could not be reached.
	pause = 30 * time.Second
	// longestPause bounds how long the service can have a server pause.
	longestPause = time.Hour
)

// Config is what a Reporter is made of. All fields but Version are required.
type Config struct {
	DSN     DSN
	Version string
	// Environment is production or development.
	Environment string
	// Client sends the reports. The operator chose their address.
	Client *http.Client
	// Log says, in warnings, that reports cannot be sent. It must not be one that reports.
	Log *slog.Logger
}

// Reporter sends reports.
type Reporter struct {
	Config
	waiting chan *event

	mu     sync.Mutex
	began  time.Time      // of the minute that seen is about
	seen   map[string]int // how often what was reported happened, by what it is
	before map[string]int // the same of the minute before
	ids    [16]string     // of the last requests that panicked
	next   int

	until time.Time // no report is sent before; of Run alone
	told  bool      // that reports are not sent
}

// New returns a Reporter. It sends nothing until Run runs.
func New(c Config) *Reporter {
	return &Reporter{Config: c, waiting: make(chan *event, maxWaiting), seen: map[string]int{}}
}

// due counts an error, and reports whether a report of it is due; times is then how often it happened since the last.
func (r *Reporter) due(what string) (times int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.began) >= every {
		if r.before = r.seen; now.Sub(r.began) >= 2*every {
			r.before = nil
		}
		r.began, r.seen = now, map[string]int{}
	}
	n, known := r.seen[what]
	if !known && len(r.seen) >= most {
		return 0, false
	}
	r.seen[what] = n + 1
	return max(1, r.before[what]), !known
}

// notePanic remembers that a request panicked.
func (r *Reporter) notePanic(requestID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids[r.next] = requestID
	r.next = (r.next + 1) % len(r.ids)
}

// panicked reports whether a request panicked a moment ago.
func (r *Reporter) panicked(requestID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range r.ids {
		if id == requestID {
			return true
		}
	}
	return false
}

// newEvent returns an event of one exception.
func (r *Reporter) newEvent(at time.Time, level string) *event {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	e := &event{
		EventID: hex.EncodeToString(id[:]), Timestamp: at.UTC(), Platform: "go", Level: level, Logger: "vouchsafe",
		Environment: r.Environment, Tags: map[string]string{}, Exception: exceptions{[]exception{{}}},
	}
	if r.Version != "" {
		e.Release = "vouchsafe@" + r.Version
	}
	return e
}

func (e *event) tag(name, value string) {
	if value != "" {
		e.Tags[name] = value
	}
}

// panicOf fills in a panic. Its value may be anything; Go's own errors have indexes and types in them.
func (x *exception) panicOf(value any, stack string) {
	x.Type, x.Value = fmt.Sprintf("panic: %T", value), "The log has its value."
	if err, ok := value.(runtime.Error); ok {
		x.Value = cleared(err.Error())
	}
	if frames := framesOf(stack); len(frames) > 0 {
		x.Trace = &stacktrace{frames}
	}
}

// textOf returns the text of an error, or of what stands in its place.
func textOf(v any) string {
	if v == nil {
		return "The log has more."
	}
	return fmt.Sprint(v)
}

// push queues an event, or drops it if there is no room.
func (r *Reporter) push(e *event) {
	select {
	case r.waiting <- e:
	default:
	}
}

// Crash is deferred by a goroutine whose panic ends the program. It reports the panic, waits until that is sent, and
// panics again.
func (r *Reporter) Crash() {
	p := recover()
	if p == nil {
		return
	}
	if r != nil {
		e := r.newEvent(time.Now(), "fatal")
		e.Exception.Values[0].panicOf(p, string(debug.Stack()))
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_, _ = r.send(ctx, e) // the program ends
		cancel()
	}
	panic(p)
}

// Run sends reports until ctx ends, and then those that wait for as long as patience.
func (r *Reporter) Run(ctx context.Context) {
	for {
		select {
		case e := <-r.waiting:
			r.deliver(ctx, e)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
			for {
				select {
				case e := <-r.waiting:
					r.deliver(last, e)
				default:
					return
				}
			}
		}
	}
}

// deliver sends an event, unless the service is to be left alone. What cannot be sent is lost: the log has it.
func (r *Reporter) deliver(ctx context.Context, e *event) {
	if time.Now().Before(r.until) {
		return
	}
	wait, err := r.send(ctx, e)
	if wait > 0 {
		r.until = time.Now().Add(wait)
	}
	if err != nil && !r.told {
		r.Log.WarnContext(ctx, "error reports cannot be sent", "error", err)
	}
	r.told = err != nil
}

// send sends an event, and returns how long to send none.
func (r *Reporter) send(ctx context.Context, e *event) (wait time.Duration, err error) {
	body, err := e.envelope()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.DSN.url, bytes.NewReader(body))
	if err != nil {
		return pause, err
	}
	req.Header.Set("Content-Type", "application/x-sentry-envelope")
	req.Header.Set("User-Agent", "vouchsafe/"+r.Version)
	req.Header.Set("X-Sentry-Auth", "Sentry sentry_version=7, sentry_key="+r.DSN.key+", sentry_client=vouchsafe/"+
		r.Version)
	res, err := r.Client.Do(req)
	if err != nil {
		return pause, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	_ = res.Body.Close()
	wait = pauseOf(res.Header)
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		return max(wait, pause), nil
	case res.StatusCode >= 300: // redirects are not followed
		return max(wait, pause), fmt.Errorf("the service answers %s", res.Status)
	}
	return wait, nil
}

// pauseOf returns how long the service wants no errors, as its headers say: Retry-After in seconds, and
// X-Sentry-Rate-Limits as SECONDS:CATEGORY;…:SCOPE, with commas between several.
func pauseOf(h http.Header) time.Duration {
	longest := 0.0
	if n, err := strconv.ParseFloat(h.Get("Retry-After"), 64); err == nil {
		longest = n
	}
	for limit := range strings.SplitSeq(h.Get("X-Sentry-Rate-Limits"), ",") {
		seconds, rest, _ := strings.Cut(strings.TrimSpace(limit), ":")
		categories, _, _ := strings.Cut(rest, ":")
		n, err := strconv.ParseFloat(seconds, 64)
		if err == nil && (categories == "" || strings.Contains(";"+categories+";", ";error;")) {
			longest = max(longest, n)
		}
	}
	if !(longest > 0) { // also no number
		return 0
	}
	return time.Duration(min(longest, longestPause.Seconds()) * float64(time.Second))
}
