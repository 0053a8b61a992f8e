package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// sender notes what it sends, or fails.
type sender struct {
	mu   sync.Mutex
	sent []string
	fail func(d storage.Delivery) error // nil: never
}

func (s *sender) Send(_ context.Context, d storage.Delivery) error {
	if s.fail != nil {
		if err := s.fail(d); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, d.ID)
	return nil
}

func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// bench is a worker on a store of its own.
type bench struct {
	*testing.T
	*Worker
	store        *sqldb.Store
	mails, texts sender
	sent, failed int
	dead         int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, store: store}
	var mu sync.Mutex
	b.Worker = &Worker{
		Store: store, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Senders: map[string]Sender{storage.ChannelMail: &b.mails, storage.ChannelSMS: &b.texts},
		Sent: func() {
			mu.Lock()
			defer mu.Unlock()
			b.sent++
		},
		Failed: func(dead bool) {
			mu.Lock()
			defer mu.Unlock()
			if b.failed++; dead {
				b.dead++
			}
		},
	}
	return b
}

// delivery is one that is due.
func delivery(id string) storage.Delivery {
	now := time.Now()
	return storage.Delivery{TenantID: storage.DefaultTenant, ID: id, Template: "a template", To: "jo@example.com",
		CreatedAt: now, NextAt: now}
}

func (b *bench) enqueue(all ...storage.Delivery) {
	b.Helper()
	if err := storagetest.Enqueue(b.Context(), b.store, all...); err != nil {
		b.Fatal(err)
	}
}

// steps sends a batch, which has so many deliveries.
func (b *bench) steps(want int) {
	b.Helper()
	if n, err := b.Step(b.Context()); n != want || err != nil {
		b.Errorf("got %d, %v, want a batch of %d", n, err, want)
	}
}

// waiting wants so many deliveries that are queued, and so many that were given up.
func (b *bench) waiting(queued, dead int64) {
	b.Helper()
	if q, d, err := b.store.CountDeliveries(b.Context()); err != nil || q != queued || d != dead {
		b.Errorf("got %d queued, %d dead, %v, want %d and %d", q, d, err, queued, dead)
	}
}

// hanging is a receiver that does not answer.
type hanging struct{ asked chan struct{} }

func (h hanging) Send(ctx context.Context, _ storage.Delivery) error {
	close(h.asked)
	<-ctx.Done()
	return ctx.Err()
}

// TestAStopWaitsForNoReceiver: what is under way is given up some seconds after the stop, and sent again at once by the
// next server.
func TestAStopWaitsForNoReceiver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := hanging{make(chan struct{})}
	b.Senders[storage.ChannelSMS] = h
	text := delivery("text")
	text.Channel, text.Attempts = storage.ChannelSMS, maxAttempts // its last attempt
	b.enqueue(text)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { b.Worker.Run(ctx); close(ended) }()
	<-h.asked
	began := time.Now()
	stop()
	<-ended
	if took := time.Since(began); took > SendTimeout/2 {
		t.Errorf("the stop took %v", took)
	}
	b.waiting(1, 0)
	b.Senders[storage.ChannelSMS] = &b.texts
	b.steps(1)
	b.waiting(0, 0)
}

func TestDeliveriesGoToTheSenderOfTheirChannel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	text := delivery("text")
	text.Channel = storage.ChannelSMS
	b.enqueue(delivery("mail"), text)
	b.steps(2)
	if got := fmt.Sprint(b.mails.sent, b.texts.sent); got != "[mail] [text]" {
		t.Errorf("got %s, want each at the sender of its channel", got)
	}
	b.waiting(0, 0)
	b.steps(0)
	delete(b.Worker.Senders, storage.ChannelSMS)
	b.enqueue(text)
	b.steps(0) // it waits for a replica that can send it, and no attempt is counted
	b.waiting(1, 0)
	if b.sent != 2 || b.failed != 0 {
		t.Errorf("got %d sent and %d failed, want 2 and none", b.sent, b.failed)
	}
}

func TestADeliveryWithoutATemplateIsForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	decoy := delivery("decoy")
	decoy.Template = ""
	b.enqueue(decoy)
	b.steps(1)
	b.waiting(0, 0)
	if b.mails.count()+b.sent+b.failed != 0 {
		t.Errorf("got %d sent, %d and %d noted, want nothing", b.mails.count(), b.sent, b.failed)
	}
}

func TestABatchIsSentAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var all sync.WaitGroup
	all.Add(batch)
	b.mails.fail = func(storage.Delivery) error {
		all.Done()
		all.Wait() // for the others
		return nil
	}
	for i := range batch + 1 {
		b.enqueue(delivery(strconv.Itoa(i)))
	}
	b.steps(batch)
	b.mails.fail = nil
	b.steps(1)
	if n := b.mails.count(); n != batch+1 {
		t.Errorf("got %d sent, want %d", n, batch+1)
	}
}

func TestAFailureIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mails.fail = func(storage.Delivery) error { return errors.New("busy,\n try later") }
	b.enqueue(delivery("mail"))
	b.steps(1)
	b.steps(0) // not yet
	b.waiting(1, 0)
	if b.failed != 1 || b.dead != 0 {
		t.Errorf("got %d failures, %d of them for good, want one and none", b.failed, b.dead)
	}
	// As another worker finds it then.
	later := time.Now().Add(2 * firstWait)
	all, err := b.store.ClaimDeliveries(t.Context(), later, later.Add(lease), 9)
	if err != nil || len(all) != 1 || all[0].Attempts != 2 || all[0].LastError != "busy,  try later" {
		t.Errorf("got %+v, %v, want the delivery with what was said", all, err)
	}
}

func TestWhatIsRefusedForGoodOrTooOftenIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err      error
		attempts int
		dead     int64
	}{
		"refused for good": {fmt.Errorf("no such mailbox: %w", ErrPermanent), 0, 1},
		"the last attempt": {errors.New("busy"), maxAttempts - 1, 1},
		"one before":       {errors.New("busy"), maxAttempts - 2, 0},
	} {
		b := newBench(t)
		b.mails.fail = func(storage.Delivery) error { return c.err }
		d := delivery("mail")
		d.Attempts = c.attempts
		b.enqueue(d)
		b.steps(1)
		if b.waiting(1-c.dead, c.dead); b.dead != int(c.dead) {
			t.Errorf("%s: got %d given up, want %d", name, b.dead, c.dead)
		}
	}
}

// faulty fails calls that have happened, or not.
type faulty struct {
	storage.Outbox
	lostClaims, lostNotes int
}

func (f *faulty) ClaimDeliveries(ctx context.Context, now, until time.Time, limit int, channels ...string,
) ([]storage.Delivery, error) {
	all, err := f.Outbox.ClaimDeliveries(ctx, now, until, limit, channels...)
	if f.lostClaims > 0 {
		f.lostClaims--
		return nil, storage.ErrUnavailable
	}
	return all, err
}

func (f *faulty) Delivered(ctx context.Context, tenant, id string) error {
	if f.lostNotes > 0 {
		f.lostNotes--
		return storage.ErrUnavailable
	}
	return f.Outbox.Delivered(ctx, tenant, id)
}

func TestAClaimWhoseAnswerWasLostIsGivenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Store = &faulty{Outbox: b.store, lostClaims: 1}
	b.enqueue(delivery("mail"))
	if _, err := b.Step(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
	}
	b.steps(1) // at once, not when the lease has lapsed
	b.waiting(0, 0)
}

func TestWhatWasSentIsNotedWhenTheStoreIsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Store = &faulty{Outbox: b.store, lostNotes: 3}
	b.enqueue(delivery("mail"))
	b.steps(1)
	b.waiting(0, 0)
	if n := b.mails.count(); n != 1 {
		t.Errorf("got %d sent, want one", n)
	}
}

func TestRunSendsWhenItIsWokenAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Worker.Run(ctx)
	}()
	time.Sleep(2 * breath) // it has looked once
	began := time.Now()
	b.enqueue(delivery("mail"))
	b.Wake()
	b.Wake() // twice is as good as once
	for b.mails.count() == 0 && time.Since(began) < look {
		time.Sleep(breath / 10)
	}
	if took := time.Since(began); took >= look/2 {
		t.Errorf("sent after %v, want at once", took)
	}
	end()
	<-done
	b.waiting(0, 0)
}

func TestReadable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"550 no":               "550 no",
		"a\r\nb\x00c":          "a  b c",
		"\xff\xfe":             "?",
		"\u0085\x1b[31mred":    "  [31mred",
		"Größe\tüberschritten": "Größe überschritten",
	} {
		if got := Readable(in, 500); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := Readable(strings.Repeat("ä", 1000), 500); len(got) != 500 || !utf8.ValidString(got) {
		t.Errorf("got %d bytes, want the first 500", len(got))
	}
}

func TestBackOffGrowsToAnHour(t *testing.T) {
	t.Parallel()
	for attempts, middle := range map[int]time.Duration{
		0: firstWait, 1: firstWait, 2: 2 * firstWait, 5: 16 * firstWait, 8: longestWait,
		maxAttempts: longestWait, 1 << 40: longestWait,
	} {
		for range 100 {
			if got := backOff(attempts); got < middle/2 || got > middle*3/2 {
				t.Errorf("after %d attempts: got %v, want %v or so", attempts, got, middle)
			}
		}
	}
}
