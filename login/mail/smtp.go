package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// SMTP sends through a server.
type SMTP struct {
	from    *netmail.Address
	host    string
	options []gomail.Option
}

// NewSMTP reads where to send, and as whom:
//
//	smtp://USER:PASSWORD@HOST:587   STARTTLS, which the server must offer
//	smtps://USER:PASSWORD@HOST:465  TLS from the beginning
//
// Only a server on this machine may be spoken to in clear, when it offers nothing else.
// Errors do not quote the URL, which may hold a password.
func NewSMTP(rawURL, from string, conf *tls.Config) (*SMTP, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("is no SMTP URL: write smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465, with what is special in the password percent-encoded")
	}
	addr, err := netmail.ParseAddress(from)
	if err != nil || strings.ContainsFunc(from, unicode.IsControl) {
		return nil, errors.New("the sender is no address: write one such as Example <no-reply@example.com>")
	}
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	conf = conf.Clone()
	conf.ServerName = u.Hostname()
	port := 587
	options := []gomail.Option{gomail.WithTimeout(sendTimeout / 3), gomail.WithTLSConfig(conf), gomail.WithoutNoop()}
	if u.Scheme == "smtps" {
		port = 465
		options = append(options, gomail.WithSSL())
	} else if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	} else {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, errors.New("has no port")
		}
	}
	options = append(options, gomail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return &SMTP{from: addr, host: u.Hostname(), options: options}, nil
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	if err := CheckAddress(m.To); err != nil {
		return errors.Join(ErrPermanent, err)
	}
	msg := gomail.NewMsg()
	msg.FromMailAddress(s.from)
	if err := msg.To(m.To); err != nil {
		return errors.Join(ErrPermanent, ErrAddress)
	}
	msg.Subject(m.Subject)
	_, domain, _ := strings.Cut(s.from.Address, "@")
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	msg.SetDateWithValue(time.Now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers by machines
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("SMTP: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("SMTP: %w", err)
	}
	err = client.Send(msg)
	_ = client.Close() // what was taken was taken
	if err == nil || msg.IsDelivered() {
		return nil
	}
	if refused, ok := errors.AsType[*gomail.SendError](err); ok && noSuchRecipient(refused) {
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return fmt.Errorf("SMTP: %w", err)
}

// noSuchRecipient says whether the server knows the address not to exist. What else it
// refuses for good may be our own sender, our password, or a list that we are on: whoever
// runs this will see to that, and the mails wait.
func noSuchRecipient(e *gomail.SendError) bool {
	if e.Reason != gomail.ErrSMTPRcptTo || e.ErrorCode() < 500 {
		return false
	}
	status := e.EnhancedStatusCode() // RFC 3463
	return slices.Contains([]string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}, status) ||
		status == "" && e.ErrorCode() == 550 // as RFC 5321 has it for "no such user"
}
