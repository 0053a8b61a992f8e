package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"sync"
	"time"
)

// target is the server that is asked.
type target struct{ issuer string }

// figures are the cost of an operation.
type figures struct {
	count         int
	span          time.Duration
	cpu           time.Duration // of the server, for one operation
	p50, p95, p99 time.Duration
	sql, redis    float64 // statements and commands for one operation
	peak          float64 // MiB
}

// perSecond returns how often the operation was done in a second.
func (f figures) perSecond() float64 { return float64(f.count) / f.span.Seconds() }

// worker is one connection, with what its operations need to remember.
type worker struct {
	ctx    context.Context
	issuer string
	client *http.Client
	state  map[string]string
}

// newWorker returns a worker with a connection and cookies of its own.
func newWorker(ctx context.Context, issuer string) (*worker, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &worker{
		ctx: ctx, issuer: issuer, state: map[string]string{},
		client: &http.Client{
			Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}, Timeout: 30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// task is an operation that workers repeat. prepare runs once before it and is not measured.
type task struct {
	prepare func(w *worker) error
	do      func(w *worker) error
}

// drive lets all workers repeat the task for the span, after a fifth of it to warm up. It calls
// begin and end around the measured part, and returns the duration of each operation and of the
// whole.
func drive(ctx context.Context, o options, issuer string, t task, begin,
	end func() error,
) ([]time.Duration, time.Duration, error) {
	workers := make([]*worker, o.workers)
	for i := range workers {
		w, err := newWorker(ctx, issuer)
		if err != nil {
			return nil, 0, err
		}
		defer w.client.CloseIdleConnections()
		if t.prepare != nil {
			if err := t.prepare(w); err != nil {
				return nil, 0, err
			}
		}
		workers[i] = w
	}
	if _, err := together(workers, t, o.span/5); err != nil {
		return nil, 0, err
	}
	if err := begin(); err != nil {
		return nil, 0, err
	}
	began := time.Now()
	took, err := together(workers, t, o.span)
	span := time.Since(began)
	return took, span, errors.Join(err, end())
}

// together lets all workers repeat the task at the same time for the span. It returns the duration
// of each operation.
func together(workers []*worker, t task, span time.Duration) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	var errs []error
	until := time.Now().Add(span)
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() {
			var took []time.Duration
			var err error
			for err == nil && time.Now().Before(until) {
				began := time.Now()
				if err = t.do(w); err == nil {
					took = append(took, time.Since(began))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all, errs = append(all, took...), append(errs, err)
		})
	}
	wg.Wait()
	return all, errors.Join(errs...)
}

// load measures a task at the server.
func (s *server) load(ctx context.Context, o options, name string, t task) (figures, error) {
	var f figures
	var cpu time.Duration
	var sql, redis float64
	profiled := func() error { return nil }
	took, span, err := drive(ctx, o, s.issuer, t, func() (err error) {
		s.forgetPeak()
		if o.profile != "" {
			profiled = s.profile(ctx, o, name)
		}
		if sql, redis, err = s.spent(ctx); err != nil {
			return err
		}
		cpu, err = s.cpu()
		return err
	}, func() error {
		after, err := s.cpu()
		if err != nil {
			return err
		}
		f.cpu = after - cpu
		sqlAfter, redisAfter, err := s.spent(ctx)
		f.sql, f.redis = sqlAfter-sql, redisAfter-redis-2 // less the two commands of spent itself
		return errors.Join(err, profiled())
	})
	if err != nil {
		return f, err
	}
	f.peak = s.memory("VmHWM")
	return f.of(took, span)
}

// of returns the figures completed with the measured times, and with the sums divided by the number
// of operations.
func (f figures) of(took []time.Duration, span time.Duration) (figures, error) {
	if len(took) == 0 {
		return f, errors.New("nothing was done in the time: measure for longer")
	}
	slices.Sort(took)
	n := len(took)
	f.count, f.span = n, span
	f.cpu /= time.Duration(n)
	f.sql, f.redis = f.sql/float64(n), max(0, f.redis)/float64(n)
	f.p50, f.p95, f.p99 = took[n/2], took[n*95/100], took[n*99/100]
	return f, nil
}

// do sends a request and reads the whole answer.
func (w *worker) do(req *http.Request) (*http.Response, []byte, error) {
	res, err := w.client.Do(req.WithContext(w.ctx))
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}
