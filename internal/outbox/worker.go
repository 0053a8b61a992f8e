package outbox

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Sender sends what waits on one channel. An error that wraps ErrPermanent is not worth another try.
type Sender interface {
	Send(ctx context.Context, d storage.Delivery) error
}

// ErrPermanent says that a delivery will never be taken.
var ErrPermanent = errors.New("refused for good")

const (
	// batch is how many are sent at a time.
	batch = 10
	// SendTimeout bounds one attempt; a batch is done before its claim lapses.
	SendTimeout = 30 * time.Second
	lease       = 3 * SendTimeout
	look        = 5 * time.Second
	breath      = 50 * time.Millisecond
	firstWait   = 30 * time.Second
	longestWait = time.Hour
	// parting is how long an attempt goes on when the server stops: a mail that is cut off may be sent twice.
	parting = 3 * time.Second
	// maxAttempts take about five hours. Codes have expired by then, but notices to the owner of an
	// account have not.
	maxAttempts = 12
)

// Wait is the pause before a delivery is tried again.
type Wait = time.Duration

// Worker sends what waits in the outbox. Each replica runs one.
type Worker struct {
	Store   storage.Outbox
	Senders map[string]Sender // by channel, at least one; deliveries of other channels wait
	Log     *slog.Logger
	// Waits are the pauses after failed attempts, by channel. After the last one, and on other channels, a delivery
	// waits longer each time, from half a minute to an hour.
	Waits map[string][]Wait
	// Sent and Failed, when set, are told of each attempt: for metrics.
	Sent   func()
	Failed func(dead bool)

	once sync.Once
	wake chan struct{}
	lost []time.Time // the ends of claims whose answers were lost: they may have happened
}

func (w *Worker) signal() chan struct{} {
	w.once.Do(func() { w.wake = make(chan struct{}, 1) })
	return w.wake
}

// Wake makes the worker look for deliveries at once.
func (w *Worker) Wake() {
	select {
	case w.signal() <- struct{}{}:
	default: // it is about to look
	}
}

// Run sends until the context ends; the messages under way have some seconds to be taken.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := w.Step(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "outbox", "error", err)
		}
		if n > 0 && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-w.signal():
			// Once the request that caused the mail has its answer: if sending slowed that,
			// its time would tell that there is such a user.
			time.Sleep(breath)
		case <-time.After(look - look/10 + rand.N(look/5)):
		}
	}
}

// Step sends one batch, and returns how many deliveries there were.
func (w *Worker) Step(ctx context.Context) (int, error) {
	// A claim that is cut off may have happened: its deliveries would wait for the end of the lease.
	claiming, cancel := context.WithTimeout(context.WithoutCancel(ctx), SendTimeout/3)
	defer cancel()
	mails, err := w.claim(claiming)
	if err != nil {
		return 0, err
	}
	// All at the same time: one that hangs does not hold up the others.
	errs := make([]error, len(mails))
	var wg sync.WaitGroup
	for i, m := range mails {
		wg.Go(func() { errs[i] = w.send(ctx, m) })
	}
	wg.Wait()
	return len(mails), errors.Join(errs...)
}

// claim gives back what was claimed by calls that failed, and claims the next batch.
func (w *Worker) claim(ctx context.Context) ([]storage.Delivery, error) {
	now := time.Now()
	for len(w.lost) > 0 {
		if err := w.Store.ReleaseDeliveries(ctx, w.lost[0], now); err != nil {
			return nil, err
		}
		w.lost = w.lost[1:]
	}
	// Other replicas' claims of this moment end at another.
	until := now.Add(lease + rand.N(10*time.Second))
	mails, err := w.Store.ClaimDeliveries(ctx, now, until, batch, slices.Sorted(maps.Keys(w.Senders))...)
	if err != nil {
		w.lost = append(w.lost, until)
	}
	return mails, err
}

// send tries to send one delivery, and stores the result.
func (w *Worker) send(ctx context.Context, m storage.Delivery) error {
	if m.Template == "" {
		// A decoy was stored so that a request about an unknown user takes the same work.
		return w.sent(ctx, m)
	}
	keep := context.WithoutCancel(ctx)
	running, end := Parting(ctx, parting)
	defer end()
	sending, cancel := context.WithTimeout(running, SendTimeout)
	defer cancel()
	failed := w.Senders[m.Channel].Send(sending, m)
	if failed == nil {
		if w.Sent != nil {
			w.Sent()
		}
		return w.sent(ctx, m)
	}
	now := time.Now()
	var dead time.Time
	pause := w.pause(m)
	switch {
	case running.Err() != nil: // the server stops, which says nothing about the receiver
		pause = 0
	case errors.Is(failed, ErrPermanent) || m.Attempts >= maxAttempts:
		dead = now
	}
	if w.Failed != nil {
		w.Failed(!dead.IsZero())
	}
	why := Readable(failed.Error(), 500)
	w.Log.WarnContext(ctx, "mail not sent", "tenant", m.TenantID, "id", m.ID, "template", m.Template, "attempt",
		m.Attempts, "dead", !dead.IsZero(), "error", why)
	return w.Store.DeliveryFailed(keep, m, now.Add(pause), dead, why)
}

// Parting returns a context that ends so long after another one, for what is under way when a server stops.
func Parting(running context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(running))
	stop := context.AfterFunc(running, func() {
		select {
		case <-ctx.Done():
		case <-time.After(after):
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// pause returns how long a delivery that failed waits. If that is less than the worker takes to look again, the worker
// looks then.
func (w *Worker) pause(m storage.Delivery) time.Duration {
	own := w.Waits[m.Channel]
	if m.Attempts < 1 || m.Attempts > len(own) {
		return backOff(m.Attempts - len(own))
	}
	wait := own[m.Attempts-1]
	if wait < look {
		time.AfterFunc(wait+breath, w.Wake)
	}
	return wait
}

// sent deletes a delivery that was sent. While the store does not answer, it tries again for as
// long as no other worker may claim the delivery, which would then be sent twice.
func (w *Worker) sent(ctx context.Context, m storage.Delivery) error {
	for wait := breath; ; wait = min(2*wait, time.Second) {
		err := w.Store.Delivered(context.WithoutCancel(ctx), m.TenantID, m.ID)
		if !errors.Is(err, storage.ErrUnavailable) || time.Now().After(m.NextAt) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// Readable returns what a server said as text that a database can keep and a terminal can show: at most so many bytes.
func Readable(why string, most int) string {
	why = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(why, "?"))
	return strings.ToValidUTF8(why[:min(len(why), most)], "")
}

// backOff doubles from attempt to attempt, and varies by half so that what failed
// together is not tried together.
func backOff(attempts int) time.Duration {
	wait := min(firstWait<<min(max(attempts-1, 0), 10), longestWait)
	return wait/2 + rand.N(wait)
}
