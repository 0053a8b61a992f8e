package webhooks

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// look is how often a worker looks for events and deliveries, and idle how often it does so while no tenant has a
	// webhook or reads events.
	look, idle = time.Second, 5 * time.Second
	// back and fullBack are how late a transaction may commit its events: most do so within back. Requests end long
	// before fullBack, and every fullEvery a worker looks so far back.
	back, fullBack = 10 * time.Second, 10 * time.Minute
	fullEvery      = 30 * time.Second
	page           = 500
	// atOnce is how many deliveries of one webhook are under way in one replica, and most of all webhooks in batches.
	atOnce, most = 4, 32
	lease        = 2 * Timeout
	// parting is how long an attempt goes on when the server stops.
	parting = time.Second
	// GiveUp: a delivery is given up after the first attempt that fails so long after the event was fed.
	GiveUp      = 72 * time.Hour
	firstWait   = 5 * time.Second
	longestWait = 8 * time.Hour
	// Unread is how long events are fed that no program reads and no webhook wants: as long as the feed keeps them.
	Unread = 30 * 24 * time.Hour
	// longestRest is how long a webhook rests at most that takes nothing.
	longestRest = 5 * time.Minute
)

// Worker feeds events and sends them. Each replica runs one.
type Worker struct {
	Store  storage.Webhooks
	Sender *Sender
	Log    *slog.Logger

	mu    sync.Mutex
	under map[string]bool // webhooks with a batch under way
	rests map[string]rest
	full  time.Time // when it last looked far back
	wake  chan struct{}
	last  map[string]int64 // the last places in feeds that it saw
	moved map[string]chan struct{}
	// streams are how many each client of a tenant has open, and open how many there are.
	streams map[[2]string]int
	open    int
	left    chan struct{}
}

// rest is how long a webhook that takes nothing is left alone.
type rest struct {
	failures int
	until    time.Time
}

// Run works until the context ends, and what is under way is done.
func (w *Worker) Run(ctx context.Context) {
	w.under, w.rests = make(map[string]bool), make(map[string]rest)
	var batches sync.WaitGroup
	defer batches.Wait()
	for ctx.Err() == nil {
		hooks, feeds, err := w.feed(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "feed events", "error", err)
		}
		for _, h := range hooks {
			if ctx.Err() == nil && !h.Disabled && w.begin(h) {
				batches.Go(func() { w.deliver(ctx, h) })
			}
		}
		pause := look
		if err == nil && feeds == 0 {
			pause = idle
		}
		select {
		case <-ctx.Done():
		case <-w.signal():
		case <-time.After(pause - pause/10 + rand.N(pause/5)):
		}
	}
}

// signal returns the channel on which Wake is heard.
func (w *Worker) signal() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wake == nil {
		w.wake = make(chan struct{}, 1)
	}
	return w.wake
}

// Wake has the worker look at once, because a webhook was added or a feed begun. Other replicas see that when they
// look next.
func (w *Worker) Wake() {
	select {
	case w.signal() <- struct{}{}:
	default: // it is about to look
	}
}

// Moved returns a channel that is closed when the tenant's feed has got events.
func (w *Worker) Moved(tenant string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.moved[tenant]
	if !ok {
		c = make(chan struct{})
		if w.moved == nil {
			w.moved = make(map[string]chan struct{})
		}
		w.moved[tenant] = c
	}
	return c
}

// tell says that the feed of a tenant has got events if its last place is another than it was.
func (w *Worker) tell(tenant string, last int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last[tenant] == last {
		return
	}
	if w.last == nil {
		w.last = make(map[string]int64)
	}
	w.last[tenant] = last
	if c, ok := w.moved[tenant]; ok {
		close(c)
		delete(w.moved, tenant)
	}
}

// feed begins the feeds of tenants that have webhooks, and gives new events of all feeds their places. It returns
// all webhooks, and how many feeds there are.
func (w *Worker) feed(ctx context.Context) (hooks []storage.Webhook, feeds int, err error) {
	if hooks, err = w.Store.AllWebhooks(ctx); err != nil {
		return nil, 0, err
	}
	last, err := w.Store.Feeds(ctx)
	if err != nil {
		return hooks, 0, err
	}
	for _, h := range hooks {
		if _, ok := last[h.TenantID]; !ok {
			if _, err := w.Store.BeginFeed(ctx, h.TenantID, h.CreatedAt, time.Now()); err != nil {
				return hooks, 0, err
			}
			last[h.TenantID] = 0
		}
	}
	now, far := time.Now(), back
	if now.Sub(w.full) > fullEvery {
		far = fullBack
	}
	for tenant, seq := range last {
		n := page
		for n == page && ctx.Err() == nil {
			if n, err = w.Store.Feed(ctx, tenant, far, time.Now(), page); err != nil && !errors.Is(err, storage.ErrNotFound) {
				return hooks, len(last), err
			}
			seq += int64(n)
		}
		// Another replica may have fed as well: then the next look tells of it.
		w.tell(tenant, seq)
	}
	if far == fullBack {
		w.full = now
		if err := w.Store.EndFeeds(ctx, now.Add(-Unread), now); err != nil {
			return hooks, len(last), err
		}
	}
	return hooks, len(last), nil
}

// begin reports whether a batch of the webhook may begin, and notes it.
func (w *Worker) begin(h storage.Webhook) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := h.TenantID + " " + h.ID
	if w.under[id] || len(w.under) >= most || time.Now().Before(w.rests[id].until) {
		return false
	}
	w.under[id] = true
	return true
}

// end notes that the batches of a webhook have ended, and that it took nothing if failed.
func (w *Worker) end(h storage.Webhook, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := h.TenantID + " " + h.ID
	delete(w.under, id)
	if !failed {
		delete(w.rests, id)
		return
	}
	n := w.rests[id].failures + 1
	w.rests[id] = rest{n, time.Now().Add(min(time.Second<<min(n, 10), longestRest))}
}

// batches is how many batches of one webhook follow each other: others wait for their turn.
const batches = 25

// deliver sends what is due at a webhook, until it fails.
func (w *Worker) deliver(ctx context.Context, h storage.Webhook) {
	failed := false
	defer func() { w.end(h, failed) }()
	for i := 0; i < batches && ctx.Err() == nil && !failed; i++ {
		now := time.Now()
		all, err := w.Store.ClaimWebhook(ctx, h, now, now.Add(lease), atOnce)
		if err != nil {
			w.Log.WarnContext(ctx, "claim deliveries", "webhook", h.ID, "error", err)
			return
		}
		if len(all) == 0 {
			return
		}
		var wg sync.WaitGroup
		results := make([]Result, len(all))
		for i, d := range all {
			wg.Go(func() { results[i] = w.send(ctx, h, d) })
		}
		wg.Wait()
		failed = true
		for _, r := range results {
			failed = failed && !r.Accepted()
		}
		if failed && ctx.Err() != nil {
			return // the server stops: that says nothing about the receiver
		}
		w.note(context.WithoutCancel(ctx), &h, failed, results)
	}
}

// send sends a delivery, and stores how that ended. When the server stops, an attempt ends soon, and another replica,
// or the server when it is started again, makes the next one at once.
func (w *Worker) send(running context.Context, h storage.Webhook, d storage.WebhookDelivery) Result {
	ctx := context.WithoutCancel(running)
	sending, cancel := outbox.Parting(running, parting)
	defer cancel()
	e, err := w.Store.EventByID(ctx, d.TenantID, d.EventID)
	var r Result
	gone := errors.Is(err, storage.ErrNotFound)
	switch {
	case gone:
		r.Answer = "the audit trail does not keep the event any more"
	case err != nil:
		return Result{Answer: err.Error()} // it is claimed again when the lease has lapsed
	default:
		r = w.Sender.Send(sending, h, BodyOf(e))
	}
	now := time.Now()
	d.Status, d.Took, d.Answer, d.NextAt = r.Status, r.Took, r.Answer, now.Add(BackOff(d.Attempts, longestWait))
	if sending.Err() != nil && !r.Accepted() {
		d.Answer, d.NextAt = "the server stopped before there was an answer", now
	} else if r.Accepted() || gone || now.Sub(d.CreatedAt) > GiveUp {
		d.DoneAt, d.Dead = now, !r.Accepted()
	}
	if err := w.Store.NoteWebhook(ctx, d); err != nil {
		w.Log.WarnContext(ctx, "note a delivery", "webhook", h.ID, "event", d.EventID, "error", err)
	}
	return r
}

// note stores since when the webhook fails, and disables one whose receiver says that it is gone for good.
func (w *Worker) note(ctx context.Context, h *storage.Webhook, failed bool, results []Result) {
	var err error
	switch {
	case failed && h.FailingSince.IsZero():
		h.FailingSince = time.Now()
		err = w.Store.SetFailing(ctx, h.TenantID, h.ID, h.FailingSince)
	case !failed && !h.FailingSince.IsZero():
		h.FailingSince = time.Time{}
		err = w.Store.SetFailing(ctx, h.TenantID, h.ID, h.FailingSince)
	}
	for _, r := range results {
		if r.Status == http.StatusGone && err == nil && !h.Disabled {
			was := h.UpdatedAt
			h.Disabled, h.UpdatedAt = true, time.Now()
			e := audit.Actor("server")(storage.Event{TenantID: h.TenantID, Kind: storage.EventWebhookChanged,
				Detail: map[string]string{"webhook": h.ID, "what": "disabled", "reason": "the receiver answered 410 Gone"}})
			err = w.Store.UpdateWebhook(ctx, *h, was, e)
		}
	}
	if err != nil && !errors.Is(err, storage.ErrStale) {
		w.Log.WarnContext(ctx, "note the state of a webhook", "webhook", h.ID, "error", err)
	}
}

// BackOff returns the pause after an attempt. It quadruples from attempt to attempt, up to the longest, and varies by a
// quarter.
func BackOff(attempts int, longest time.Duration) time.Duration {
	wait := min(firstWait<<min(2*max(attempts-1, 0), 16), longest)
	return wait*3/4 + rand.N(wait/2)
}
