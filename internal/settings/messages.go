package settings

import (
	"cmp"
	"net/url"

	"github.com/vouchsafe/vouchsafe/internal/relay"
)

// checkMessages reports what is wrong with the settings of mail and of text messages.
func (c *Config) checkMessages(wrong wrong) {
	if c.SMSURL != "" {
		if _, err := relay.NewWebhook(string(c.SMSURL), cmp.Or(string(c.SMSSecret), "to be said below"), nil); err != nil {
			wrong("sms_url", "%v", err)
		} else if _, err := relay.NewWebhook(string(c.SMSURL), string(c.SMSSecret), nil); err != nil {
			wrong("sms_secret", "%v", err)
		}
	}
	if c.SMSPerHour < 1 {
		wrong("sms_per_hour", "%d sends no messages: remove sms_url instead", c.SMSPerHour)
	}
	c.checkSMTPToken(wrong)
	if c.SMTPURL == "" {
		return
	}
	from := c.MailFrom
	if from == "" {
		wrong("mail_from", "is missing: emails need a sender. Write one, such as Example <no-reply@example.com>")
		from = "no-reply@example.com" // so that what is wrong with smtp_url is reported too
	}
	if _, err := relay.NewSMTP(string(c.SMTPURL), from, nil); err != nil {
		wrong("smtp_url", "%v", err)
	}
}

// checkSMTPToken reports what is wrong with the settings of access tokens for the mail server.
func (c *Config) checkSMTPToken(wrong wrong) {
	if c.SMTPTokenURL == "" {
		if c.SMTPClientID != "" || c.SMTPClientSecret != "" || c.SMTPTokenScope != "" {
			wrong("smtp_token_url", "is missing: smtp_client_id, smtp_client_secret and smtp_token_scope belong to it. Write "+
				"the URL of the token endpoint")
		}
		return
	}
	if u, err := url.Parse(c.SMTPTokenURL); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" &&
		!(u.Scheme == "http" && loopback(u.Hostname())) {
		wrong("smtp_token_url", "is not a URL of a token endpoint: write one that begins with https://")
	}
	if c.SMTPClientID == "" || c.SMTPClientSecret == "" {
		wrong("smtp_token_url", "needs smtp_client_id and smtp_client_secret, which the token is asked for with")
	}
	u, err := url.Parse(string(c.SMTPURL))
	if err != nil || u.User.Username() == "" {
		wrong("smtp_url", "names no mailbox: with smtp_token_url write smtp://MAILBOX@HOST:587, with %%40 for the @ of the "+
			"mailbox, and without a password")
	} else if _, has := u.User.Password(); has {
		wrong("smtp_url", "has a password, and smtp_token_url gets tokens to show in its place: leave out one of them")
	}
}
