package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/login/mail"
)

// mailServer returns what sends mails through the server that is set.
func mailServer(c *settings.Config, roots *x509.CertPool) (*mail.SMTP, error) {
	s, err := mail.NewSMTP(string(c.SMTPURL), c.MailFrom, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
	if err == nil && c.SMTPTokenURL != "" {
		s.Tokens = mail.NewTokens(operatorsClient(roots), c.SMTPTokenURL, c.SMTPClientID, string(c.SMTPClientSecret), strings.Fields(c.SMTPTokenScope)...)
	}
	return s, err
}

// operatorsClient calls what the operator has set, who may mean a host on their own network.
func operatorsClient(roots *x509.CertPool) *http.Client {
	return outbound.Client(outbound.Config{AllowPrivate: true, RootCAs: roots, Timeout: 10 * time.Second, MaxBody: 64 << 10, KeepAlive: true})
}
