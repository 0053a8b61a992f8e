package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/mail"
)

// SMTP sends mails through a mail server.
type SMTP struct {
	// Tokens, unless nil, gets access tokens, with which the server is shown who sends (XOAUTH2,
	// OAUTHBEARER) in place of a password.
	Tokens *Tokens

	from           *netmail.Address
	host, port     string
	dial           string // the HOST:PORT to connect to
	user, password string
	smtps, local   bool
	tls            *tls.Config
	// hello is the name with which this machine introduces itself.
	hello string

	works atomic.Pointer[string] // the mechanism that the server accepted last
}

const badSMTPURL = "is not an SMTP URL: write smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465, with " +
	"what is special in the password percent-encoded, and an IPv6 address in brackets"

// NewSMTP reads the URL of a mail server and the sender's address:
//
//	smtp://USER:PASSWORD@HOST:587   STARTTLS, which the server must offer
//	smtps://USER:PASSWORD@HOST:465  TLS from the beginning
//
// Without TLS it speaks only to a server on this machine, if that offers nothing else. Errors do
// not quote the URL, which may contain a password.
func NewSMTP(rawURL, from string, conf *tls.Config) (*SMTP, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, errors.New(badSMTPURL)
	}
	if strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "[") {
		return nil, errors.New(badSMTPURL)
	}
	s := &SMTP{host: u.Hostname(), port: u.Port(), smtps: u.Scheme == "smtps"}
	if s.from, err = readSender(from); err != nil {
		return nil, err
	}
	if err := s.readServer(conf); err != nil {
		return nil, err
	}
	if u.User != nil {
		s.user = u.User.Username()
		s.password, _ = u.User.Password()
	}
	s.hello = helloName(s.from.Address)
	return s, nil
}

// readSender returns the sender of mails. Its domain is in A-labels, which every server reads.
func readSender(from string) (*netmail.Address, error) {
	addr, err := netmail.ParseAddress(from)
	if err != nil || strings.ContainsFunc(from, unicode.IsControl) {
		return nil, errors.New("the sender isn't an address: write one, such as Example <no-reply@example.com>")
	}
	if addr.Address, err = inALabels(addr.Address); err != nil {
		return nil, errors.New("the sender's domain is none: write an address such as Example <no-reply@example.com>")
	}
	return addr, nil
}

// inALabels returns an address with its domain in A-labels.
func inALabels(addr string) (string, error) {
	at := strings.LastIndexByte(addr, '@')
	if isASCII(addr[at+1:]) {
		return addr, nil
	}
	domain, err := address.Domain(addr[at+1:])
	return addr[:at+1] + domain, err
}

// isASCII reports whether s is ASCII.
func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// readServer derives from the server's name where to connect to, and which name its certificate
// must have.
func (s *SMTP) readServer(conf *tls.Config) error {
	ip, err := netip.ParseAddr(s.host)
	if err != nil && !isASCII(s.host) {
		if s.host, err = address.Domain(s.host); err != nil {
			return errors.New(badSMTPURL)
		}
	}
	host := strings.ToLower(strings.TrimSuffix(s.host, "."))
	s.local = ip.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761
	if s.port == "" {
		s.port = "587"
		if s.smtps {
			s.port = "465"
		}
	}
	if n, err := strconv.ParseUint(s.port, 10, 16); err != nil || n == 0 {
		return errors.New("has no port")
	}
	s.dial = net.JoinHostPort(s.host, s.port)
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	s.tls = conf.Clone()
	s.tls.ServerName = host
	if ip.IsValid() {
		s.tls.ServerName = ip.WithZone("").String()
	}
	return nil
}

// helloName returns the name with which this machine introduces itself (RFC 5321 section 4.1.4).
// Servers refuse a name without a dot, as containers have it. The domain of the sender then takes
// its place.
func helloName(sender string) string {
	name, err := os.Hostname()
	if err == nil && strings.Contains(strings.Trim(name, "."), ".") {
		if name, err = address.Domain(strings.TrimSuffix(name, ".")); err == nil {
			return name
		}
	}
	return sender[strings.LastIndexByte(sender, '@')+1:]
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m *mail.Message) error {
	return s.SendTelling(ctx, m, func(string, string) {})
}

// Tell gets each step of a conversation with a mail server: what was sent, without secrets and
// without the content of a mail, and what the server answered, beginning with its code. If nothing
// was sent, an answer without a code describes what happens.
type Tell func(sent, answer string)

// SendTelling is Send with a report of each step.
func (s *SMTP) SendTelling(ctx context.Context, m *mail.Message, tell Tell) error {
	if err := mail.CheckAddress(m.To); err != nil {
		return errors.Join(outbox.ErrPermanent, err)
	}
	to, err := inALabels(m.To)
	if err != nil {
		return errors.Join(outbox.ErrPermanent, mail.ErrAddress)
	}
	ctx, cancel := context.WithTimeout(ctx, outbox.SendTimeout)
	defer cancel()
	c, err := s.open(ctx, tell)
	if err == nil {
		err = c.deliver(s.from, to, m)
		c.close()
	}
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*refusal](err); ok && refused.noSuchRecipient() {
		return fmt.Errorf("%w: SMTP: %w", outbox.ErrPermanent, err)
	}
	return fmt.Errorf("SMTP: %w", err)
}

// open returns a conversation in which the server has accepted our authentication, if any is
// configured.
func (s *SMTP) open(ctx context.Context, tell Tell) (*conversation, error) {
	c, err := s.greet(ctx, tell)
	if err != nil || s.user == "" && s.Tokens == nil {
		return c, err
	}
	return s.prove(ctx, c, tell)
}

// greet returns a conversation that is encrypted, unless the server is on this machine.
func (s *SMTP) greet(ctx context.Context, tell Tell) (*conversation, error) {
	dialer := net.Dialer{Timeout: outbox.SendTimeout / 3}
	tell("", "connecting to "+s.dial)
	conn, err := dialer.DialContext(ctx, "tcp", s.dial)
	if err != nil {
		return nil, err
	}
	if s.local && !conn.RemoteAddr().(*net.TCPAddr).IP.IsLoopback() {
		_ = conn.Close()
		return nil, fmt.Errorf("%s is another machine, though it is called this one", s.dial)
	}
	c := newConversation(ctx, conn, tell)
	if err := s.secure(c); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// errNoTLS means that a mail, and perhaps a password, would cross the network unencrypted.
var errNoTLS = errors.New("the server offers no STARTTLS, and in clear mails go to this machine alone: use smtps:// " +
	"where it speaks TLS from the beginning, or a relay on this machine")

// secure reads the greeting and starts TLS.
func (s *SMTP) secure(c *conversation) error {
	if s.smtps {
		if err := c.encrypt(s.tls); err != nil {
			return err
		}
	}
	if err := c.greeting(); err != nil {
		return err
	}
	if err := c.hello(s.hello); err != nil || c.encrypted {
		return err
	}
	if _, ok := c.offers["STARTTLS"]; !ok {
		if s.local {
			return nil
		}
		return errNoTLS
	}
	conf := s.tls
	if s.local {
		// Servers on this machine have certificates that no authority has signed, and would be
		// spoken to without TLS as well.
		conf = conf.Clone()
		conf.InsecureSkipVerify = true
	}
	if err := c.startTLS(conf); err != nil {
		return err
	}
	return c.hello(s.hello)
}

// left returns when a conversation must end.
func left(ctx context.Context) time.Time {
	if end, ok := ctx.Deadline(); ok {
		return end
	}
	return time.Now().Add(outbox.SendTimeout)
}
