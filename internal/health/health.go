// Package health says whether a server runs, and whether it should be sent requests.
//
// It asks what the server depends on, at most once a second, and waits two seconds at most: a disk that is away
// may hold a question for longer. Only the operator is told what exactly fails, because errors name hosts.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Health says whether the process runs, and whether it should be sent requests.
type Health struct {
	Checks   []Check
	stopping atomic.Bool

	mu     sync.Mutex
	last   Readiness
	looked time.Time
}

// Stop says that the server is stopping: it is not to be sent requests any more.
func (h *Health) Stop() { h.stopping.Store(true) }

// Stopping reports whether Stop was called.
func (h *Health) Stopping() bool { return h.stopping.Load() }

// Check asks one thing that the server depends on.
type Check struct {
	name string
	ping func(context.Context) error
	// Optional: the server can do without it, if less well. Its failure is reported, but taking every
	// replica out of service for it would be worse.
	Optional bool
	// asked holds a value while a question waits for its answer.
	asked chan struct{}
}

// NewCheck returns a check that fails with the error of ping. ping is not called again before it has returned.
func NewCheck(name string, ping func(context.Context) error) Check {
	return Check{name: name, ping: ping, asked: make(chan struct{}, 1)}
}

// errSilent is the fault of a dependency that does not answer in time.
var errSilent = errors.New("it does not answer")

// ask asks until the context ends. A dependency that has not answered the last question is not asked
// again: a disk that is away may hold a question for as long.
func (c Check) ask(ctx context.Context) error {
	select {
	case c.asked <- struct{}{}:
	default:
		return errSilent
	}
	answer := make(chan error, 1)
	go func() {
		defer func() { <-c.asked }()
		answer <- c.ping(ctx)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return errSilent
	}
}

// Readiness is the answer of /readyz.
type Readiness struct {
	// Status is ready, degraded (an optional dependency fails), unavailable or stopping.
	Status string           `json:"status"`
	Checks map[string]State `json:"checks"`
}

// State is the state of one dependency.
type State struct {
	Status string `json:"status"` // ok or failing
	Error  string `json:"error,omitempty"`
}

const (
	timeout = 2 * time.Second
	// kept bounds what asking costs the database.
	kept = time.Second
)

// Alive answers /healthz: the process runs and serves.
func (h *Health) Alive(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// Ready returns the handler of /readyz. Only the operator is told what exactly fails.
func (h *Health) Ready(forOperator bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := h.Look(r.Context())
		if !forOperator {
			checks := map[string]State{}
			for name, c := range now.Checks {
				checks[name] = State{Status: c.Status}
			}
			now.Checks = checks
		}
		status := http.StatusOK
		if now.Status == "unavailable" || now.Status == "stopping" {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, now)
	}
}

// Look returns the readiness now, or as it was up to a second ago.
func (h *Health) Look(ctx context.Context) Readiness {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.looked) > kept {
		// The client may go away, but other clients wait for the same answer.
		h.last = h.askAll(context.WithoutCancel(ctx))
		h.looked = time.Now()
	}
	now := h.last
	if h.stopping.Load() {
		now.Status = "stopping"
	}
	return now
}

func (h *Health) askAll(ctx context.Context) Readiness {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	errs := make([]error, len(h.Checks))
	var wg sync.WaitGroup
	for i, c := range h.Checks {
		wg.Go(func() { errs[i] = c.ask(ctx) })
	}
	wg.Wait()
	out := Readiness{Status: "ready", Checks: map[string]State{}}
	for i, c := range h.Checks {
		if errs[i] == nil {
			out.Checks[c.name] = State{Status: "ok"}
			continue
		}
		out.Checks[c.name] = State{"failing", errs[i].Error()}
		if !c.Optional {
			out.Status = "unavailable"
		} else if out.Status == "ready" {
			out.Status = "degraded"
		}
	}
	return out
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the status is sent, and the client is gone
}
