package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/vouchsafe/vouchsafe/internal/smtptest"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// refusing is a mail server that knows nobody.
type refusing struct{}

func (*refusing) NewSession(*smtp.Conn) (smtp.Session, error) { return refusingSession{}, nil }

type refusingSession struct{ smtp.Session }

func (refusingSession) Reset()                               {}
func (refusingSession) Logout() error                        { return nil }
func (refusingSession) Mail(string, *smtp.MailOptions) error { return nil }
func (refusingSession) Rcpt(string, *smtp.RcptOptions) error {
	return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such person"}
}

// TestMailIsGivenUpSeenAndRetried runs a server whose mail server knows nobody, looks at
// what became of a mail, and tries it again with one that takes it.
func TestMailIsGivenUpSeenAndRetried(t *testing.T) {
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
	conf := &Config{Data: filepath.Join(sh.dir, "data")}
	secrets, err := masters(conf)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openStore(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	to := &web.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant, Name: "Acme"}}
	m, err := (&mail.Mailer{Secrets: secrets}).Compose(to, "jo@example.com", "en", "password-changed", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var dead []mailView
	for end := time.Now().Add(20 * time.Second); len(dead) == 0 && time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		sh.read(t, &dead, "mail", "dead", "--json")
	}
	if len(dead) != 1 || dead[0].ID != m.ID || !strings.Contains(dead[0].Error, "no such person") {
		t.Fatalf("got %+v, want the mail and why it was given up", dead)
	}
	metrics := ""
	for end := time.Now().Add(30 * time.Second); !strings.Contains(metrics, `vouchsafe_mails{state="dead"} 1`) && time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		_, metrics = r.get(t, r.ops+"/metrics") // the outbox is counted now and then
	}
	for _, want := range []string{`vouchsafe_mails{state="dead"} 1`, `vouchsafe_mails{state="queued"} 0`, `vouchsafe_mail_attempts_total{result="dead"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%q is not among the metrics", want)
		}
	}
	if errs := sh.fails(t, 1, "mail", "retry"); !strings.Contains(errs, "--all") {
		t.Errorf("got %q, want what can be said", errs)
	}
	r.stop(t)

	good := smtptest.Start(t)
	sh.env[len(sh.env)-1] = "VOUCHSAFE_SMTP_URL=" + good.URL
	if out := sh.do(t, "mail", "retry", "--all"); !strings.Contains(out, "1 ") {
		t.Errorf("got %q, want one", out)
	}
	sh.serve(t)
	if got := good.Next(t, "jo@example.com"); got.Subject != "Your password at Acme was changed" {
		t.Errorf("got %+v", got)
	}
	sh.read(t, &dead, "mail", "dead", "--json")
	if len(dead) != 0 {
		t.Errorf("got %+v, want nothing dead", dead)
	}
}
