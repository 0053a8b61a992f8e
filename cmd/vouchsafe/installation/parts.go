package installation

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/breaches"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/relay"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/password"
)

// RootCAs returns the system's certificate authorities and those of the file; nil, which stands for the
// system's, if there is no file.
func RootCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("extra_ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("extra_ca_file: %s holds no certificate", file)
	}
	return pool, nil
}

// Hasher returns what hashes passwords, as the settings say.
func Hasher(c *settings.Config) (*password.Hasher, error) {
	return password.New(c.Argon2(), nil)
}

// PasswordPolicy returns what judges new passwords, as the settings say.
func PasswordPolicy(c *settings.Config, roots *x509.CertPool, log *slog.Logger) *password.Policy {
	p := &password.Policy{MinLength: c.PasswordMinLength, MinScore: c.PasswordMinScore}
	if c.BreachedPasswordsURL != "" {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		p.Breaches = &breaches.Service{URL: c.BreachedPasswordsURL, Log: log, Client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
	}
	return p
}

// MailServer returns what sends mails through the server that is set.
func MailServer(c *settings.Config, roots *x509.CertPool) (*relay.SMTP, error) {
	s, err := relay.NewSMTP(string(c.SMTPURL), c.MailFrom, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
	if err == nil && c.SMTPTokenURL != "" {
		s.Tokens = relay.NewTokens(OperatorsClient(roots), c.SMTPTokenURL, c.SMTPClientID, string(c.SMTPClientSecret),
			strings.Fields(c.SMTPTokenScope)...)
	}
	return s, err
}

// OperatorsClient returns a client for URLs that the operator has set, which may be on private networks.
func OperatorsClient(roots *x509.CertPool) *http.Client {
	return outbound.Client(outbound.Config{AllowPrivate: true, RootCAs: roots, Timeout: 10 * time.Second,
		MaxBody: 64 << 10, KeepAlive: true})
}

// TestMail returns the mail that tests the mail server.
func TestMail(issuer, to string) *mail.Message {
	text := "This is a test of the mail server that " + issuer + " sends through.\n"
	return &mail.Message{ID: uuid.Must(uuid.NewV7()).String(), To: to,
		Subject: "Test mail of " + issuer, Text: text, HTML: "<p>" + html.EscapeString(text) + "</p>"}
}
