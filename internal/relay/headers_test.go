package relay

import (
	"bytes"
	"errors"
	netmail "net/mail"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// TestUnicodeIsAskedForWhereItIsNeeded, because servers further on may not support it.
func TestUnicodeIsAskedForWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	knows, not := []string{"SMTPUTF8", "8BITMIME", "AUTH PLAIN"}, []string{"8BITMIME", "AUTH PLAIN"}
	for name, c := range map[string]struct {
		offers           []string
		from, to         string
		mail, rcpt       string
		failed, for_good bool
	}{
		"letters of ASCII": {knows, acme, "jo@example.com", "MAIL FROM:<no-reply@example.com>",
			"RCPT TO:<jo@example.com>", false, false},
		"a subject and a name that do not": {knows, "Büro <no-reply@example.com>", "jo@example.com",
			"MAIL FROM:<no-reply@example.com>", "RCPT TO:<jo@example.com>", false, false},
		"a recipient": {knows, acme, "jörg@example.com", "MAIL FROM:<no-reply@example.com> SMTPUTF8",
			"RCPT TO:<jörg@example.com>", false, false},
		"a sender": {knows, "büro@example.com", "jo@example.com", "MAIL FROM:<büro@example.com> SMTPUTF8",
			"RCPT TO:<jo@example.com>", false, false},
		"a recipient's domain": {not, acme, "jo@bücher.example", "MAIL FROM:<no-reply@example.com>",
			"RCPT TO:<jo@xn--bcher-kva.example>", false, false},
		"a domain of IDNA 2008": {not, acme, "jo@faß.example", "MAIL FROM:<no-reply@example.com>",
			"RCPT TO:<jo@xn--fa-hia.example>", false, false},
		"a sender's domain": {not, "Bücher <no-reply@Bücher.example>", "jo@example.com",
			"MAIL FROM:<no-reply@xn--bcher-kva.example>", "RCPT TO:<jo@example.com>", false, false},
		"a recipient it cannot have": {not, acme, "jörg@bücher.example", "", "", true, true},
		"a sender it cannot have":    {not, "büro@example.com", "jo@example.com", "", "", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, srv := through(t, smtptest.Script{Offers: c.offers, Auth: right}, c.from)
			m := *aMessage
			m.To, m.Subject = c.to, "Grüße"
			err := s.Send(t.Context(), &m)
			if (err != nil) != c.failed || errors.Is(err, outbox.ErrPermanent) != c.for_good {
				t.Fatalf("got %v", err)
			}
			if c.failed {
				if !errors.Is(err, errNoUTF8) || len(srv.Begin("MAIL")) > 0 {
					t.Errorf("got %v", err)
				}
				return
			}
			mail, rcpt := strings.Replace(srv.Begin("MAIL")[0], " BODY=8BITMIME", "", 1), srv.Begin("RCPT")[0]
			if mail != c.mail || rcpt != c.rcpt {
				t.Errorf("got %q, %q, want %q, %q", mail, rcpt, c.mail, c.rcpt)
			}
		})
	}
}

// TestHeadersOfAMail: the sender's domain is in A-labels in every header, text outside of ASCII is
// encoded, and no header names the software.
func TestHeadersOfAMail(t *testing.T) {
	t.Parallel()
	s, srv := through(t, smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right}, "Bücher <no-reply@bücher.example>")
	m := *aMessage
	m.Subject, m.Text = "Grüße", "Grüße\n.\nline\n"
	if err := s.Send(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	raw := srv.Mails()[0]
	if at := strings.IndexFunc(raw, func(r rune) bool { return r > 126 }); at >= 0 {
		t.Errorf("it has what is no ASCII: %q", raw[max(0, at-40):at+10])
	}
	parsed, err := netmail.ReadMessage(bytes.NewBufferString(raw))
	if err != nil {
		t.Fatal(err)
	}
	h := parsed.Header
	if got := h.Get("Message-ID"); got != "<1@xn--bcher-kva.example>" {
		t.Errorf("Message-ID %s", got)
	}
	if from, err := h.AddressList("From"); err != nil || from[0].Address != "no-reply@xn--bcher-kva.example" ||
		from[0].Name != "Bücher" {
		t.Errorf("From %v, %v", from, err)
	}
	for _, name := range []string{"X-Mailer", "User-Agent"} {
		if got := h.Get(name); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if strings.Contains(strings.ToLower(raw), "go-mail") {
		t.Error("it names a library")
	}
	if hello := strings.TrimPrefix(srv.Begin("EHLO ")[0], "EHLO "); !strings.Contains(hello, ".") {
		t.Errorf("it introduces itself as %q, which servers refuse that want a whole name", hello)
	}
}
