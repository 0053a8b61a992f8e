// Package mail composes messages, and renders them.
//
// A message is composed as a sealed delivery (Mailer), which the change that causes it stores. When the
// worker of internal/outbox sends it, Channel opens and renders it, and gives it to a Sender: package
// internal/relay has those that speak to a mail server and to a webhook.
package mail

import (
	"encoding/json"
	"errors"
	"fmt"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// CodeLife is how long a code works, and therefore how long its mail is worth sending. The texts of
// mails name it.
const CodeLife = 15 * time.Minute

// noticeLife is how long any other mail waits while no mail server is configured. An operator who
// sets one up later does not expect the mails of last year.
const noticeLife = 7 * 24 * time.Hour

// ErrAddress means that no mail can be sent to an address.
var ErrAddress = errors.New("no mail can be sent to this address")

// Mailer composes messages.
type Mailer struct {
	Secrets *secret.Masters
	// Templates are the texts. nil stands for the built-in ones.
	Templates *Templates
	// Wake tells the worker of this process that a mail waits. It is nil if this process sends no
	// mails.
	Wake func()
	// Texts says that a sender for text messages is configured, and NoMails that none for mails is.
	Texts, NoMails bool
}

// Compose returns a mail to be stored with the change that causes it. data are the values for the
// template; they are sealed. Call Stored once the mail is stored. Compose returns ErrAddress if no
// mail can be sent to the address.
func (m *Mailer) Compose(t *issuer.Tenant, to address.Recipient, language, template string,
	data any,
) (storage.Delivery, error) {
	if err := CheckAddress(string(to)); err != nil {
		return storage.Delivery{}, err
	}
	return m.compose(storage.ChannelMail, t, string(to), language, template, data)
}

// ComposeText is Compose for a text message. to is a phone number in E.164.
func (m *Mailer) ComposeText(t *issuer.Tenant, to, language, template string, data any) (storage.Delivery, error) {
	if !e164.MatchString(to) {
		return storage.Delivery{}, ErrAddress
	}
	return m.compose(storage.ChannelSMS, t, to, language, template, data)
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

// compose is Compose for one channel.
func (m *Mailer) compose(channel string, t *issuer.Tenant, to, language, template string,
	data any,
) (storage.Delivery, error) {
	if !m.Templates.has(template) || slices.Contains(texts, template) != (channel == storage.ChannelSMS) {
		return storage.Delivery{}, fmt.Errorf("there is no template %q for a message by %s", template, channel)
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return storage.Delivery{}, fmt.Errorf("mail data: %w", err)
	}
	own := lookOf(t)
	own.Text = t.Settings.MailText(template, language)
	plain, err := json.Marshal(content{Tenant: t.Name, Data: raw, look: own})
	if err != nil {
		return storage.Delivery{}, fmt.Errorf("mail data: %w", err)
	}
	now := time.Now()
	mail := storage.Delivery{
		TenantID: t.ID, ID: uuid.Must(uuid.NewV7()).String(), Channel: channel, To: to,
		Template: template, Language: language,
		Data: m.Secrets.Box(t.ID, secret.Mail).Seal(plain), CreatedAt: now, NextAt: now,
	}
	mail.ExpiresAt = now.Add(noticeLife)
	if coded[template] {
		mail.ExpiresAt = now.Add(CodeLife)
	}
	return mail, nil
}

// Sends reports whether mails are sent at all.
func (m *Mailer) Sends() bool { return m.Wake != nil && !m.NoMails }

// Stored tells the worker that composed mails are stored now.
func (m *Mailer) Stored() {
	if m.Wake != nil {
		m.Wake()
	}
}

// CheckAddress returns ErrAddress unless addr is a bare address. It refuses above all control
// characters, which would add lines to a header or to the conversation with a server. The error
// does not quote the address.
func CheckAddress(addr string) error {
	if len(addr) > 254 || strings.ContainsFunc(addr, unicode.IsControl) {
		return ErrAddress
	}
	if a, err := netmail.ParseAddress(addr); err != nil || a.Address != addr || a.Name != "" {
		return ErrAddress
	}
	return nil
}
