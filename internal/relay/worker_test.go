package relay

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// thenSender sends a mail and then calls a function, before the worker can record that the mail was
// sent.
type thenSender struct {
	mail.Sender
	then func()
}

func (s thenSender) Send(ctx context.Context, m *mail.Message) error {
	err := s.Sender.Send(ctx, m)
	s.then()
	return err
}

// stopping returns a worker with one mail to send, on a PostgreSQL of its own that stops once the
// mail server has accepted the mail. then is called afterwards.
func stopping(t *testing.T, then func(*pgtest.Server)) (*outbox.Worker, *sqldb.Store, *backend) {
	t.Helper()
	pg := pgtest.StartServer(t)
	url, err := pg.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	s, secrets, b := open(t, url), masters(t), &backend{}
	if err := storagetest.Enqueue(t.Context(), s, compose(t, &mail.Mailer{Secrets: secrets})); err != nil {
		t.Fatal(err)
	}
	return worker(s, secrets, thenSender{startSMTP(t, b), func() {
		if err := pg.Stop(true); err != nil {
			t.Error(err)
		}
		then(pg)
	}}), s, b
}

// TestDatabaseThatGoesAfterAMailWasSent: the database fails between the mail server's OK and the
// record of it. The worker records it when the database is back, so that no other worker claims the
// mail and it arrives once.
func TestDatabaseThatGoesAfterAMailWasSent(t *testing.T) {
	t.Parallel()
	back := make(chan error, 1)
	w, s, b := stopping(t, func(pg *pgtest.Server) {
		go func() {
			time.Sleep(500 * time.Millisecond)
			back <- pg.Start()
		}()
	})
	if n, err := w.Step(t.Context()); n != 1 || err != nil {
		t.Errorf("got %d, %v, want one mail sent", n, err)
	}
	if err := <-back; err != nil {
		t.Fatal(err)
	}
	if queued, dead, err := s.CountDeliveries(t.Context()); queued+dead != 0 || err != nil || len(b.got) != 1 {
		t.Errorf("got %d waiting, %d dead, %v, and %d sent; want one sent and none waiting", queued, dead, err, len(b.got))
	}
}

// TestEndWhileTheDatabaseIsAway: a worker that is told to end does not wait for the database.
func TestEndWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	w, _, _ := stopping(t, func(*pgtest.Server) { end() })
	began := time.Now()
	if _, err := w.Step(ctx); err == nil {
		t.Error("got no error, though nothing could be noted")
	}
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

// lostClaim is a store whose first claim is carried out, but whose answer is lost.
type lostClaim struct {
	storage.Outbox
	once sync.Once
}

func (s *lostClaim) ClaimDeliveries(ctx context.Context, now, until time.Time,
	limit int, channels ...string,
) (mails []storage.Delivery, err error) {
	mails, err = s.Outbox.ClaimDeliveries(ctx, now, until, limit, channels...)
	s.once.Do(func() { mails, err = nil, storage.ErrUnavailable })
	return mails, err
}

// TestClaimWhoseAnswerWasLost: mails whose claim was lost are sent before the lease ends.
func TestClaimWhoseAnswerWasLost(t *testing.T) {
	s, secrets, b := open(t, "sqlite::memory:"), masters(t), &backend{}
	if err := storagetest.Enqueue(t.Context(), s, compose(t, &mail.Mailer{Secrets: secrets})); err != nil {
		t.Fatal(err)
	}
	w := worker(&lostClaim{Outbox: s}, secrets, startSMTP(t, b))
	if _, err := w.Step(t.Context()); err == nil || len(b.got) > 0 {
		t.Fatalf("got %v, and %d sent, want the claim lost", err, len(b.got))
	}
	if n, err := w.Step(t.Context()); n != 1 || err != nil || len(b.got) != 1 {
		t.Errorf("got %d, %v, and %d sent, want the mail sent now", n, err, len(b.got))
	}
}
