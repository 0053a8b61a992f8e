package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/operations"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// refusing is a mail server that refuses every recipient.
type refusing struct{}

func (*refusing) NewSession(*smtp.Conn) (smtp.Session, error) { return refusingSession{}, nil }

type refusingSession struct{ smtp.Session }

func (refusingSession) Reset()                               {}
func (refusingSession) Logout() error                        { return nil }
func (refusingSession) Mail(string, *smtp.MailOptions) error { return nil }
func (refusingSession) Rcpt(string, *smtp.RcptOptions) error {
	return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such person"}
}

// TestMailIsGivenUpSeenAndRetried runs a server whose mail server refuses every
// recipient, looks at what became of a mail, and tries it again with a mail server that takes it.
func TestMailIsGivenUpSeenAndRetried(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(&refusing{})
	srv.Domain = "localhost"
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })

	sh := newShell(t, "VOUCHSAFE_MAIL_FROM=Acme <no-reply@example.com>")
	url := "VOUCHSAFE_SMTP_URL=smtp://" + l.Addr().String()
	sh.env = append(sh.env, url)
	r := sh.serve(t)
	conf := &settings.Config{Data: filepath.Join(sh.dir, "data")}
	secrets, err := installation.Masters(conf)
	if err != nil {
		t.Fatal(err)
	}
	s, err := installation.OpenStore(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	to := &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant, Name: "Acme"}}
	m, err := (&mail.Mailer{Secrets: secrets}).Compose(to, "jo@example.com", "en", "password-changed", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := storagetest.Enqueue(t.Context(), s, m); err != nil {
		t.Fatal(err)
	}
	var dead []operations.MailView
	for end := time.Now().Add(2 * time.Minute); len(dead) == 0 &&
		time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		sh.read(t, &dead, "mail", "dead", "--json")
	}
	if len(dead) != 1 || dead[0].ID != m.ID || !strings.Contains(dead[0].Error, "no such person") {
		t.Fatalf("got %+v, want the mail and why it was given up", dead)
	}
	if got := sh.completed(t, "mail retry "+m.ID[:8]); got != m.ID {
		t.Errorf("completion offers %q, want %q", got, m.ID)
	}
	metrics := ""
	for end := time.Now().Add(2 * time.Minute); !strings.Contains(metrics, `vouchsafe_mails{state="dead"} 1`) &&
		time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		_, metrics = r.get(t, r.ops+"/metrics") // the outbox is counted now and then
	}
	for _, want := range []string{`vouchsafe_mails{state="dead"} 1`, `vouchsafe_mails{state="queued"} 0`,
		`vouchsafe_mail_attempts_total{result="dead"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%q is not among the metrics", want)
		}
	}
	if errs := sh.fails(t, 2, "mail", "retry"); !strings.Contains(errs, "--all") {
		t.Errorf("got %q, want what can be said", errs)
	}
	r.stop(t)

	good := smtptest.Start(t)
	sh.env[len(sh.env)-1] = "VOUCHSAFE_SMTP_URL=" + good.URL
	if out := sh.do(t, "mail", "retry", "--all"); !strings.Contains(out, "1 ") {
		t.Errorf("got %q, want one", out)
	}
	sh.serve(t)
	if got := good.Next(t, "jo@example.com"); got.Subject != "Your Acme password was changed" {
		t.Errorf("got %+v", got)
	}
	sh.read(t, &dead, "mail", "dead", "--json")
	if len(dead) != 0 {
		t.Errorf("got %+v, want nothing dead", dead)
	}
}

// TestATestMailShowsWhatTheServerAnswers, whether it takes the mail or not.
func TestATestMailShowsWhatTheServerAnswers(t *testing.T) {
	t.Parallel()
	var no atomic.Bool
	srv := smtptest.Follow(t, "127.0.0.1:0", smtptest.Script{
		Offers: []string{"AUTH PLAIN LOGIN"},
		Auth: map[string]smtptest.Auth{"PLAIN": smtptest.Say("535 5.7.8 not \x1b[31mthis way"),
			"LOGIN": smtptest.Login("vouchsafe", "right password")},
		Answer: func(line string) string {
			if no.Load() && strings.HasPrefix(line, "RCPT") {
				return "550-5.7.1 we do not like\n550 5.7.1 mails of tests"
			}
			return ""
		},
	})
	sh := newShell(t, "VOUCHSAFE_MAIL_FROM=Acme <no-reply@example.com>",
		"VOUCHSAFE_SMTP_URL=smtp://vouchsafe:right%20password@"+srv.Addr)
	out := sh.do(t, "mail", "test", "jo@bücher.example")
	for _, want := range []string{
		"connecting to " + srv.Addr, "< 220 mail.example.com ESMTP", "> EHLO ", "> AUTH PLAIN …",
		"< 535 5.7.8 not ?[31mthis way", "> AUTH LOGIN …", "< 334 …",
		"< 235 2.7.0 welcome", "> RCPT TO:<jo@xn--bcher-kva.example>", "> the mail", "< 250 2.0.0 taken",
		"The server took the email to jo@bücher.example.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "right") || strings.Contains(out, "\x1b") {
		t.Errorf("it shows what it should not:\n%s", out)
	}
	if mails := srv.Mails(); len(mails) != 1 || !strings.Contains(mails[0], "Subject: Test mail of http://localhost") {
		t.Errorf("got %q", mails)
	}
	if _, err := os.Stat(filepath.Join(sh.dir, "data", "vouchsafe.db")); err == nil {
		t.Error("it made a database")
	}
	no.Store(true)
	if out, err, code := sh.run(t, "", "mail", "test", "jo@example.com"); code != 1 ||
		!strings.Contains(out, "< 5.7.1 mails of tests") || !strings.Contains(err, "RCPT: 550 5.7.1 we do not like") {
		t.Errorf("got %d, %s, %s", code, out, err)
	}
	var view operations.MailTestView
	out, err, code := sh.run(t, "", "mail", "test", "jo@example.com", "--json")
	if json.Unmarshal([]byte(out), &view) != nil || code != 1 || view.Taken || len(view.Steps) < 5 ||
		!strings.Contains(view.Error, "we do not like") || !strings.Contains(err, "we do not like") {
		t.Errorf("as JSON: got %d, %s, %s", code, out, err)
	}
	no.Store(false)
	sh.read(t, &view, "mail", "test", "jo@example.com", "--json")
	if last := view.Steps[len(view.Steps)-1]; !view.Taken || view.To != "jo@example.com" || last.Answer == "" {
		t.Errorf("as JSON: got %+v", view)
	}
	for _, bad := range []string{"jo", "", "jo@example.com\r\nDATA"} {
		if _, err, code := sh.run(t, "", "mail", "test", bad); code != 1 ||
			!strings.Contains(err, "is not an email address") {
			t.Errorf("%q: got %d, %s", bad, code, err)
		}
	}
	if got := len(srv.Begin("DATA")); got != 2 {
		t.Errorf("DATA came %d times", got)
	}
}
