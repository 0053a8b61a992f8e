package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

var tenant = &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant, Name: "Acme <b>& Co"}}

// backend is an SMTP server that answers every recipient with refuse.
type backend struct {
	refuse error
	hang   <-chan struct{} // until which it says nothing
	mu     sync.Mutex
	got    map[string]int // how often each body's Message-ID came
	last   string
}

func (b *backend) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{b}, nil }

type session struct{ b *backend }

func (*session) Reset()                               {}
func (*session) Logout() error                        { return nil }
func (*session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(string, *smtp.RcptOptions) error {
	if s.b.hang != nil {
		select {
		case <-s.b.hang:
		case <-time.After(2 * outbox.SendTimeout): // by then every sender has given up
		}
	}
	return s.b.refuse
}
func (s *session) Data(r io.Reader) error {
	all, err := io.ReadAll(r)
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.b.last = string(all)
	for line := range strings.Lines(s.b.last) {
		if strings.HasPrefix(line, "Message-ID:") {
			s.b.got[line]++
		}
	}
	return err
}

func startSMTP(t *testing.T, b *backend) *SMTP {
	t.Helper()
	b.got = map[string]int{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(b)
	srv.Domain = "localhost"
	srv.ErrorLog = nolog{}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		_ = l.Close() // where Serve has not come to it yet
	})
	return sender(t, l.Addr().String())
}

type nolog struct{}

func (nolog) Printf(string, ...any) {}
func (nolog) Println(...any)        {}

func sender(t *testing.T, addr string) *SMTP {
	t.Helper()
	s, err := NewSMTP("smtp://"+addr, "Acme <no-reply@example.com>", nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T, url string) *sqldb.Store {
	t.Helper()
	s, err := sqldb.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func masters(t *testing.T) *secret.Masters {
	t.Helper()
	m, err := secret.Parse("0123456789abcdefghijklmnopqrstuvwxyz")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func compose(t *testing.T, m *mail.Mailer) storage.Delivery {
	t.Helper()
	mail, err := m.Compose(tenant, "jo@example.com", "en", "reset-password",
		map[string]string{"Code": "739-204", "Link": "https://id.example.com/r?<script>"})
	if err != nil {
		t.Fatal(err)
	}
	return mail
}

func worker(s storage.Outbox, m *secret.Masters, to mail.Sender) *outbox.Worker {
	return &outbox.Worker{
		Store: s, Senders: map[string]outbox.Sender{storage.ChannelMail: mail.Channel{Secrets: m, Sender: to}},
		Log: slog.New(slog.DiscardHandler),
	}
}

func TestSealedAndRendered(t *testing.T) {
	secrets := masters(t)
	s := open(t, "sqlite::memory:")
	b := &backend{}
	to := startSMTP(t, b)
	mail := compose(t, &mail.Mailer{Secrets: secrets})
	if bytes.Contains(mail.Data, []byte("739")) || bytes.Contains(mail.Data, []byte("Code")) {
		t.Error("the code can be read in the database")
	}
	if err := storagetest.Enqueue(t.Context(), s, mail); err != nil {
		t.Fatal(err)
	}
	if n, err := worker(s, secrets, to).Step(t.Context()); n != 1 || err != nil {
		t.Fatalf("got %d, %v, want one mail sent", n, err)
	}
	for _, want := range []string{"739-204", "Acme &lt;b&gt;&amp; Co", mail.ID, "text/html", "text/plain",
		"Auto-Submitted: auto-generated"} {
		if !strings.Contains(strings.ReplaceAll(b.last, "=\r\n", ""), want) {
			t.Errorf("got %s, want %q in it", b.last, want)
		}
	}
	if strings.Contains(b.last, "<script>\"") || strings.Contains(b.last, "Acme <b>&amp;") {
		t.Errorf("hostile data came through: %s", b.last)
	}
	if queued, dead, err := s.CountDeliveries(t.Context()); queued+dead != 0 || err != nil {
		t.Errorf("got %d, %d, %v, want an empty outbox", queued, dead, err)
	}
}

func TestMailWithoutARecipientIsDropped(t *testing.T) {
	secrets := masters(t)
	s := open(t, "sqlite::memory:")
	b := &backend{}
	decoy := compose(t, &mail.Mailer{Secrets: secrets})
	decoy.Template = ""
	if err := storagetest.Enqueue(t.Context(), s, decoy); err != nil {
		t.Fatal(err)
	}
	w := worker(s, secrets, startSMTP(t, b))
	w.Sent = func() { t.Error("it counts as sent") }
	if _, err := w.Step(t.Context()); err != nil || b.last != "" {
		t.Errorf("got %q, %v, want nothing sent", b.last, err)
	}
	if queued, dead, err := s.CountDeliveries(t.Context()); queued+dead != 0 || err != nil {
		t.Errorf("got %d, %d, %v, want an empty outbox", queued, dead, err)
	}
}

func TestFailures(t *testing.T) {
	hang, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hang.Close() })
	drop, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = drop.Close() })
	go func() {
		for {
			c, err := drop.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	for _, c := range []struct {
		name string
		to   mail.Sender
		dead bool
	}{
		{"for good", startSMTP(t, &backend{refuse: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1},
			Message: "no such person"}}), true},
		{"for now", startSMTP(t, &backend{refuse: &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0},
			Message: "later"}}), false},
		{"hangs", sender(t, hang.Addr().String()), false},
		{"hangs in a message", startSMTP(t, &backend{hang: t.Context().Done()}), false},
		{"drops", sender(t, drop.Addr().String()), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, secrets := open(t, "sqlite::memory:"), masters(t)
			mail := compose(t, &mail.Mailer{Secrets: secrets})
			if err := storagetest.Enqueue(t.Context(), s, mail); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := worker(s, secrets, c.to).Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			// Later, another worker may claim the mail and send it too.
			if took := time.Since(start); took > 3*outbox.SendTimeout {
				t.Errorf("took %s, want it done before the claim ends after %s", took, 3*outbox.SendTimeout)
			}
			queued, dead, err := s.CountDeliveries(t.Context())
			if err != nil || (dead == 1) != c.dead || queued+dead != 1 {
				t.Errorf("got %d queued, %d dead, %v, want dead: %v", queued, dead, err, c.dead)
			}
		})
	}
}

func TestTwoWorkersNeverSendDouble(t *testing.T) {
	const count = 1000
	s, secrets, b := open(t, pgtest.Start(t)), masters(t), &backend{}
	to := startSMTP(t, b)
	m := &mail.Mailer{Secrets: secrets}
	var mails []storage.Delivery
	for range count {
		mails = append(mails, compose(t, m))
	}
	if err := storagetest.Enqueue(t.Context(), s, mails...); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	// The first two are stopped in the midst of it; others resume.
	for _, most := range []time.Duration{200 * time.Millisecond, time.Minute} {
		ctx, cancel := context.WithTimeout(t.Context(), most)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				w := worker(s, secrets, to)
				for ctx.Err() == nil {
					if n, err := w.Step(ctx); n == 0 || err != nil {
						if err != nil && ctx.Err() == nil {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		wg.Wait()
		cancel()
	}
	t.Logf("%.0f mails a second", count/time.Since(start).Seconds())
	if len(b.got) != count {
		t.Errorf("got %d mails, want %d", len(b.got), count)
	}
	for id, n := range b.got {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

func TestHostileAddresses(t *testing.T) {
	m := &mail.Mailer{Secrets: masters(t)}
	for _, addr := range []string{"", "jo", "jo@example.com\r\nBcc: all@example.com", "jo@example.com\n",
		"Jo <jo@example.com>", "a@example.com, b@example.com", "\"a\r\n\"@example.com",
		strings.Repeat("x", 300) + "@example.com"} {
		_, err := m.Compose(tenant, address.Recipient(addr), "en", "password-changed", nil)
		if !errors.Is(err, mail.ErrAddress) {
			t.Errorf("%q: got %v, want %v", addr, err, mail.ErrAddress)
		}
	}
	for _, from := range []string{"Acme\r\nBcc: x@example.com <a@example.com>", "nobody"} {
		if _, err := NewSMTP("smtp://localhost:25", from, nil); err == nil {
			t.Errorf("%q: got no error, want it refused", from)
		}
	}
	// A tenant's name stands in the subject.
	evil := &issuer.Tenant{Tenant: storage.Tenant{ID: "default", Name: "A\r\nBcc: x@example.com"}}
	delivery, err := m.Compose(evil, "jo@example.com", "en", "password-changed", nil)
	if err != nil {
		t.Fatal(err)
	}
	var subject onlySubject
	err = mail.Channel{Secrets: m.Secrets, Sender: &subject}.Send(t.Context(), delivery)
	if err != nil || strings.ContainsAny(string(subject), "\r\n") {
		t.Errorf("got subject %q, %v, want it on one line", subject, err)
	}
}

// onlySubject keeps the subject of the last message.
type onlySubject string

func (s *onlySubject) Send(_ context.Context, m *mail.Message) error {
	*s = onlySubject(m.Subject)
	return nil
}
