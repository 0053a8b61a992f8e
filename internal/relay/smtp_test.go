package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
	"github.com/vouchsafe/vouchsafe/people/mail"
)

const relayName = "mail.example.com"

// relay is a mail server that demands authentication.
type relay struct {
	mu     sync.Mutex
	tried  int  // how often a password came
	secure bool // whether each came encrypted
	got    int
	from   error
	rcpt   error
	data   error
}

func (r *relay) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &relaySession{relay: r, conn: c}, nil
}

type relaySession struct {
	*relay
	conn  *smtp.Conn
	known bool
}

func (*relaySession) Reset()        {}
func (*relaySession) Logout() error { return nil }

func (*relaySession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *relaySession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, encrypted := s.conn.TLSConnectionState()
		s.secure = encrypted && (s.tried == 0 || s.secure)
		s.tried++
		if user != "vouchsafe" || password != "right/password" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong"}
		}
		s.known = true
		return nil
	}), nil
}

func (s *relaySession) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	return s.from
}
func (s *relaySession) Rcpt(string, *smtp.RcptOptions) error { return s.rcpt }
func (s *relaySession) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil || s.data != nil {
		return errors.Join(s.data, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got++
	return nil
}

// authority returns a certificate for relayName and the pool that trusts it.
func authority(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	return smtptest.Certificate(t, relayName)
}

// start serves on loopback: with TLS from the first byte, with STARTTLS, or without TLS.
func (r *relay) start(t *testing.T, scheme string, conf *tls.Config) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	srv := smtp.NewServer(r)
	srv.Domain, srv.ErrorLog, srv.AllowInsecureAuth = relayName, nolog{}, true
	switch scheme {
	case "smtps":
		l = tls.NewListener(l, conf)
	case "smtp":
		srv.TLSConfig = conf
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return port
}

// to returns an SMTP that sends through the relay as if it were on another machine, because
// loopback has rules of its own.
func (r *relay) to(t *testing.T, rawURL string, roots *x509.CertPool) *SMTP {
	t.Helper()
	s, err := NewSMTP(rawURL, "Acme <no-reply@example.com>", &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(s.dial)
	s.dial = net.JoinHostPort("127.0.0.1", port)
	return s
}

var aMessage = &mail.Message{ID: "1", To: "jo@example.com", Subject: "Hello", Text: "Hello\n", HTML: "<p>Hello</p>"}

func TestTLSAndAuth(t *testing.T) {
	conf, pool := authority(t)
	for _, c := range []struct {
		name, serve, scheme, user string
		roots                     *x509.CertPool
		sent, password            bool
	}{
		{"STARTTLS", "smtp", "smtp", "vouchsafe:right%2Fpassword@", pool, true, true},
		{"TLS from the beginning", "smtps", "smtps", "vouchsafe:right%2Fpassword@", pool, true, true},
		{"wrong password", "smtp", "smtp", "vouchsafe:wrong@", pool, false, true},
		{"no password", "smtp", "smtp", "", pool, false, false},
		{"STARTTLS, unknown authority", "smtp", "smtp", "vouchsafe:right%2Fpassword@", nil, false, false},
		{"TLS, unknown authority", "smtps", "smtps", "vouchsafe:right%2Fpassword@", nil, false, false},
		{"STARTTLS is not offered", "clear", "smtp", "vouchsafe:right%2Fpassword@", pool, false, false},
		{"TLS is not spoken", "clear", "smtps", "vouchsafe:right%2Fpassword@", pool, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &relay{}
			port := r.start(t, c.serve, conf)
			ctx, cancel := context.WithTimeout(t.Context(), outbox.SendTimeout)
			defer cancel()
			err := r.to(t, c.scheme+"://"+c.user+relayName+":"+port, c.roots).Send(ctx, aMessage)
			if (err == nil) != c.sent || r.got == 1 != c.sent {
				t.Errorf("got %v, and %d mails, want sent: %v", err, r.got, c.sent)
			}
			if errors.Is(err, outbox.ErrPermanent) {
				t.Errorf("got %v: what is set up wrongly here must not cost a mail", err)
			}
			if err != nil && strings.Contains(err.Error(), "right") {
				t.Errorf("the error quotes the password: %v", err)
			}
			if (r.tried > 0) != c.password || r.tried > 0 && !r.secure {
				t.Errorf("the password came %d times, encrypted: %v", r.tried, r.secure)
			}
		})
	}
	t.Run("another name in the certificate", func(t *testing.T) {
		r := &relay{}
		port := r.start(t, "smtps", conf)
		if err := r.to(t, "smtps://vouchsafe:right%2Fpassword@other.example:"+port, pool).Send(t.Context(),
			aMessage); err == nil || r.tried > 0 {
			t.Errorf("got %v, and the password came %d times", err, r.tried)
		}
	})
}

// TestOnlyTheRecipientCanBeWrongForGood: what a server has against the sender, or against all mail
// of ours, must not lose mails.
func TestOnlyTheRecipientCanBeWrongForGood(t *testing.T) {
	conf, pool := authority(t)
	refused := func(code int, status ...int) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode(append(status, 0, 0, 0)[:3]), Message: "no"}
	}
	for _, c := range []struct {
		name  string
		relay *relay
		want  bool
	}{
		{"no such person", &relay{rcpt: refused(550, 5, 1, 1)}, true},
		{"no such domain", &relay{rcpt: refused(550, 5, 1, 2)}, true},
		{"mailbox closed", &relay{rcpt: refused(550, 5, 2, 1)}, true},
		{"mailbox full", &relay{rcpt: refused(552, 5, 2, 2)}, false},
		{"no relaying", &relay{rcpt: refused(554, 5, 7, 1)}, false},
		{"the sender's address, at RCPT", &relay{rcpt: refused(553, 5, 1, 8)}, false},
		{"the sender", &relay{from: refused(550, 5, 1, 8)}, false},
		{"the sender's right", &relay{from: refused(553, 5, 7, 1)}, false},
		{"what is in it", &relay{data: refused(554, 5, 7, 1)}, false},
		{"busy", &relay{rcpt: refused(450, 4, 2, 1)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			port := c.relay.start(t, "smtp", conf)
			err := c.relay.to(t, "smtp://vouchsafe:right%2Fpassword@"+relayName+":"+port, pool).Send(t.Context(), aMessage)
			if err == nil || errors.Is(err, outbox.ErrPermanent) != c.want {
				t.Errorf("got %v, want it for good: %v", err, c.want)
			}
		})
	}
}
