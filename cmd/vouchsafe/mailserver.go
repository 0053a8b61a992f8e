package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/login/mail"
)

// mailServer is what sends mails through the server that is set.
func (c *Config) mailServer(roots *x509.CertPool) (*mail.SMTP, error) {
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

// checkSMTPToken says what is wrong with the settings by which the mail server is shown a token.
func (c *Config) checkSMTPToken(wrong func(name, format string, args ...any)) {
	if c.SMTPTokenURL == "" {
		if c.SMTPClientID != "" || c.SMTPClientSecret != "" || c.SMTPTokenScope != "" {
			wrong("smtp_token_url", "is missing: smtp_client_id, smtp_client_secret and smtp_token_scope belong to it. Write the URL of the token endpoint")
		}
		return
	}
	if u, err := url.Parse(c.SMTPTokenURL); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		wrong("smtp_token_url", "is not a URL of a token endpoint: write one that begins with https://")
	}
	if c.SMTPClientID == "" || c.SMTPClientSecret == "" {
		wrong("smtp_token_url", "needs smtp_client_id and smtp_client_secret, which the token is asked for with")
	}
	u, err := url.Parse(string(c.SMTPURL))
	if err != nil || u.User.Username() == "" {
		wrong("smtp_url", "names no mailbox: with smtp_token_url write smtp://MAILBOX@HOST:587, with %%40 for the @ of the mailbox, and without a password")
	} else if _, has := u.User.Password(); has {
		wrong("smtp_url", "has a password, and smtp_token_url gets tokens to show in its place: leave out one of them")
	}
}
