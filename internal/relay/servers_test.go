package relay

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

const acme = "Acme <no-reply@example.com>"

// through sends by a server that follows a script, as if the server were on another machine.
func through(t *testing.T, script smtptest.Script, from string) (*SMTP, *smtptest.Scripted) {
	t.Helper()
	conf, roots := authority(t)
	script.TLS = conf
	if script.Encrypted == nil {
		script.Encrypted = script.Offers
	}
	script.Offers = append([]string{"STARTTLS"}, script.Offers...)
	srv := smtptest.Follow(t, "127.0.0.1:0", script)
	return sends(t, "smtp://vouchsafe:right%2Fpassword@"+relayName+":25", from, roots, srv), srv
}

// sends sends as the URL says, but connects to the server.
func sends(t *testing.T, rawURL, from string, roots *x509.CertPool, srv *smtptest.Scripted) *SMTP {
	t.Helper()
	s, err := NewSMTP(rawURL, from, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	s.dial = srv.Addr
	return s
}

var right = map[string]smtptest.Auth{
	"PLAIN": smtptest.Plain("vouchsafe", "right/password"), "LOGIN": smtptest.Login("vouchsafe", "right/password"),
	"SCRAM-SHA-256": scram("right/password"),
}

// TestServersFromBeforeExtensions are greeted with HELO: some relays on the same machine are that
// old.
func TestServersFromBeforeExtensions(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"500 what?", "501 Syntax error", "502 5.5.1 not implemented", "504 no"} {
		srv := smtptest.Follow(t, "127.0.0.1:0", smtptest.Script{Answer: func(line string) string {
			if strings.HasPrefix(line, "EHLO") {
				return answer
			}
			return ""
		}})
		if err := sends(t, "smtp://127.0.0.1", acme, nil, srv).Send(t.Context(), aMessage); err != nil ||
			len(srv.Begin("HELO ")) != 1 || len(srv.Mails()) != 1 {
			t.Errorf("%s: got %v, %v", answer, err, srv.Lines())
		}
	}
}

// TestClearTextIsForThisMachineAlone.
func TestClearTextIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	conf, _ := smtptest.Certificate(t, "somebody.example") // of another name and by an authority that is not trusted
	const user = "vouchsafe:right%2Fpassword@"
	for name, c := range map[string]struct {
		script         smtptest.Script
		host           string
		sent, password bool
	}{
		"127.0.0.1": {smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right},
			"127.0.0.1", true, true},
		"localhost": {smtptest.Script{Offers: []string{"AUTH LOGIN"}, Auth: right},
			"localhost", true, true},
		"without a user": {smtptest.Script{}, "127.0.0.1", true, false},
		"a certificate of its own": {smtptest.Script{Offers: []string{"STARTTLS"}, Encrypted: []string{"AUTH PLAIN"},
			Auth: right, TLS: conf}, "127.0.0.1", true, true},
		"elsewhere": {smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right},
			relayName, false, false},
		"elsewhere, without a user": {smtptest.Script{}, relayName, false, false},
		"elsewhere, another's certificate": {smtptest.Script{Offers: []string{"STARTTLS"}, Encrypted: []string{"AUTH PLAIN"},
			Auth: right, TLS: conf}, relayName, false, false},
		"elsewhere, STARTTLS does not work": {smtptest.Script{Offers: []string{"STARTTLS"}, Answer: func(line string) string {
			return map[string]string{"STARTTLS": "454 4.7.0 TLS not available"}[line]
		}}, relayName, false, false},
		"elsewhere, TLS is stripped off": {smtptest.Script{Offers: []string{"XXXXXXXX", "AUTH PLAIN"}, Auth: right},
			relayName, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := smtptest.Follow(t, "127.0.0.1:0", c.script)
			as := user
			if !c.password && c.sent {
				as = ""
			}
			err := sends(t, "smtp://"+as+c.host+":25", acme, nil, srv).Send(t.Context(), aMessage)
			if (err == nil) != c.sent || len(srv.Mails()) == 1 != c.sent {
				t.Errorf("got %v, and %d mails", err, len(srv.Mails()))
			}
			if got := len(srv.Begin("AUTH")) > 0; got != c.password {
				t.Errorf("it authenticated: %v", got)
			}
			if !c.sent && len(srv.Begin("MAIL")) > 0 {
				t.Error("it revealed the sender of the mail")
			}
			if strings.HasSuffix(name, "stripped off") && !errors.Is(err, errNoTLS) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestWhatIsCalledThisMachineIsIt: a name of this machine must not lead elsewhere, even if an
// attacker controls the name server.
func TestWhatIsCalledThisMachineIsIt(t *testing.T) {
	t.Parallel()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
			continue
		}
		srv := smtptest.Follow(t, ip.IP.String()+":0", smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right})
		if err := sends(t, "smtp://vouchsafe:right%2Fpassword@localhost", acme, nil, srv).Send(t.Context(),
			aMessage); err == nil || len(srv.Lines()) > 0 {
			t.Errorf("got %v, and it was told %v", err, srv.Lines())
		}
		return
	}
	t.Skip("this machine has loopback addresses alone")
}

// TestAnAttackerBeforeTLSSaysNothing: answers that arrive before TLS do not count after it.
func TestAnAttackerBeforeTLSSaysNothing(t *testing.T) {
	t.Parallel()
	s, srv := through(t, smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right, Answer: func(line string) string {
		return map[string]string{"STARTTLS": "220 go ahead\n250-mail.example.com\n250 AUTH LOGIN"}[line]
	}}, acme)
	if err := s.Send(t.Context(), aMessage); err == nil || len(srv.Begin("AUTH")) > 0 {
		t.Errorf("got %v, and %v", err, srv.Lines())
	}
}

// TestAServerThatSaysNoEndIsLeft: an endless answer ends the conversation.
func TestAServerThatSaysNoEndIsLeft(t *testing.T) {
	t.Parallel()
	s, _ := through(t, smtptest.Script{Answer: func(line string) string {
		if strings.HasPrefix(line, "EHLO") {
			return strings.Repeat("250-"+strings.Repeat("x", 1000)+"\n", 4000) + "250 STARTTLS"
		}
		return ""
	}}, acme)
	if err := s.Send(t.Context(), aMessage); err == nil {
		t.Error("4 MB of answer were read")
	}
}

func TestSMTPURLs(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{ // where it connects to, and the name that the certificate must have
		"smtp://mail.example.com":  "mail.example.com:587 mail.example.com",
		"smtps://mail.example.com": "mail.example.com:465 mail.example.com",
		"smtp://[::1]:2525":        "[::1]:2525 ::1", "smtps://u:p@[2001:db8::25]": "[2001:db8::25]:465 2001:db8::25",
		"smtp://[fe80::1%25eth0]":       "[fe80::1%eth0]:587 fe80::1",
		"smtp://127.0.0.1:25/":          "127.0.0.1:25 127.0.0.1",
		"smtp://mail.bücher.example":    "mail.xn--bcher-kva.example:587 mail.xn--bcher-kva.example",
		"smtps://mail.example.com.:465": "mail.example.com.:465 mail.example.com",
		"smtp://::1:2525":               "", "smtp://mail.example.com:0": "", "smtp://mail.example.com:70000": "",
		"smtp://mail.example.com:x": "", "mail.example.com:587": "",
		"smtp://": "", "http://mail.example.com": "", "smtp://mail.example.com/inbox": "",
		"smtp://mail.example.com?tls=no": "",
	} {
		s, err := NewSMTP(raw, acme, nil)
		if (err != nil) != (want == "") || err == nil && s.dial+" "+s.tls.ServerName != want {
			t.Errorf("%s: got %+v, %v, want %q", raw, s, err, want)
		}
	}
	for _, from := range []string{"", "Acme", "no-reply@", "a@b@c", "Acme <no-reply@example.com>\r\nBcc: x@example.com",
		"x@bü cher.example", "x@.bücher"} {
		if _, err := NewSMTP("smtp://mail.example.com", from, nil); err == nil {
			t.Errorf("%q is taken for a sender", from)
		}
	}
}

// TestIPv6Servers.
func TestIPv6Servers(t *testing.T) {
	t.Parallel()
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6")
	}
	_ = probe.Close()
	conf, roots := smtptest.Certificate(t, "::1")
	for scheme, script := range map[string]smtptest.Script{"smtp": {Offers: []string{"AUTH PLAIN"}, Auth: right},
		"smtps": {Encrypted: []string{"AUTH PLAIN"}, Auth: right, TLS: conf, FromStart: true}} {
		srv := smtptest.Follow(t, "[::1]:0", script)
		s, err := NewSMTP(scheme+"://vouchsafe:right%2Fpassword@"+srv.Addr, acme,
			&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), aMessage); err != nil || len(srv.Mails()) != 1 {
			t.Errorf("%s: got %v, and %d mails", scheme, err, len(srv.Mails()))
		}
	}
}
