package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// health says whether the process runs and whether it should be sent requests.
type health struct {
	checks   []healthCheck
	stopping atomic.Bool

	mu     sync.Mutex
	last   readiness
	looked time.Time
}

// healthCheck asks one thing that the server depends on.
type healthCheck struct {
	name string
	ping func(context.Context) error
	// optional is what the server can do without, if less well: its failing is told,
	// but taking every replica out of service for it would be worse.
	optional bool
	// asked holds a value while a question waits for its answer.
	asked chan struct{}
}

func newHealthCheck(name string, ping func(context.Context) error) healthCheck {
	return healthCheck{name: name, ping: ping, asked: make(chan struct{}, 1)}
}

// errSilent is what a dependency has that does not answer in time.
var errSilent = errors.New("it does not answer")

// ask asks until the context ends. One that did not answer the last time is not asked again
// before it does: a disk that is away may hold a question for as long.
func (c healthCheck) ask(ctx context.Context) error {
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

// pingDatabase asks whether the database can be read and written. That it takes writes is
// known from those that requests make: only when the last one failed is something small
// written, so that readiness comes back by itself.
func (s *server) pingDatabase(ctx context.Context) error {
	if err := s.store.Ping(ctx); err != nil {
		return err
	}
	fault := s.store.WriteFault()
	if fault == nil {
		return nil
	}
	if err := s.store.UseMasterSecret(ctx, s.secrets.Fingerprints()[0], time.Now()); err != nil {
		return fault
	}
	return nil
}

// readiness is what /readyz says.
type readiness struct {
	// Status is ready, degraded (an optional dependency fails), unavailable or stopping.
	Status string                `json:"status"`
	Checks map[string]checkState `json:"checks"`
}

type checkState struct {
	Status string `json:"status"` // ok or failing
	Error  string `json:"error,omitempty"`
}

const (
	healthTimeout = 2 * time.Second
	// healthKept bounds what asking costs the database.
	healthKept = time.Second
)

// alive answers /healthz: the process runs and serves.
func (h *health) alive(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers /readyz. What exactly fails is told in full to the operator only:
// errors name hosts.
func (h *health) ready(forOperator bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := h.look(r.Context())
		if !forOperator {
			checks := map[string]checkState{}
			for name, c := range now.Checks {
				checks[name] = checkState{Status: c.Status}
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

func (h *health) look(ctx context.Context) readiness {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.looked) > healthKept {
		// Whoever asked may hang up; the answer is for all who ask.
		h.last = h.askAll(context.WithoutCancel(ctx))
		h.looked = time.Now()
	}
	now := h.last
	if h.stopping.Load() {
		now.Status = "stopping"
	}
	return now
}

func (h *health) askAll(ctx context.Context) readiness {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	errs := make([]error, len(h.checks))
	var wg sync.WaitGroup
	for i, c := range h.checks {
		wg.Go(func() { errs[i] = c.ask(ctx) })
	}
	wg.Wait()
	out := readiness{Status: "ready", Checks: map[string]checkState{}}
	for i, c := range h.checks {
		if errs[i] == nil {
			out.Checks[c.name] = checkState{Status: "ok"}
			continue
		}
		out.Checks[c.name] = checkState{"failing", errs[i].Error()}
		if !c.optional {
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
	_ = json.NewEncoder(w).Encode(v) // the status is out: there is nobody left to tell
}
