// Package mail composes messages, and speaks to the servers that deliver them.
//
// A message is composed as a sealed delivery (Mailer), which the change that causes it stores. When the
// worker of internal/outbox sends it, Channel opens and renders it, and gives it to a mail server (SMTP)
// or, as a text message, to a webhook.
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

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// CodeLife is how long a code works, and so how long its mail is worth sending. The texts
// say it.
const CodeLife = 15 * time.Minute

// noticeLife is how long any other mail waits, where nothing sends them: whoever sets up a
// mail server does not mean those of last year.
const noticeLife = 7 * 24 * time.Hour

// coded are the messages that hold a code.
var coded = map[string]bool{"confirm-email": true, "confirm-new-email": true, "confirm-upstream": true, "reset-password": true, "account-secured": true, "sign-in": true, "phone-code": true}

// ErrAddress says that no mail can be sent to an address.
var ErrAddress = errors.New("no mail can be sent to this address")

// Mailer composes messages.
type Mailer struct {
	Secrets *secret.Masters
	// Templates are the texts; nil is those built in.
	Templates *Templates
	// Wake tells the worker of this process not to wait for its next look; nil where nobody
	// sends mails.
	Wake func()
	// Texts says that text messages have a sender, NoMails that mails have none.
	Texts, NoMails bool
}

// content is what is sealed in a mail.
type content struct {
	Tenant string          `json:"tenant"` // its name
	Data   json.RawMessage `json:"data"`
}

// Compose makes a mail to be stored with the change that causes it. data is what the
// template needs; it is sealed. Call Stored when it is.
func (m *Mailer) Compose(t *web.Tenant, to address.Recipient, language, template string, data any) (storage.Delivery, error) {
	if err := CheckAddress(string(to)); err != nil {
		return storage.Delivery{}, err
	}
	return m.compose(storage.ChannelMail, t, string(to), language, template, data)
}

// ComposeText is Compose for a text message to a phone, whose number is in E.164.
func (m *Mailer) ComposeText(t *web.Tenant, to, language, template string, data any) (storage.Delivery, error) {
	if !e164.MatchString(to) {
		return storage.Delivery{}, ErrAddress
	}
	return m.compose(storage.ChannelSMS, t, to, language, template, data)
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

func (m *Mailer) compose(channel string, t *web.Tenant, to, language, template string, data any) (storage.Delivery, error) {
	if !m.Templates.has(template) || slices.Contains(texts, template) != (channel == storage.ChannelSMS) {
		return storage.Delivery{}, fmt.Errorf("there is no template %q for a message by %s", template, channel)
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return storage.Delivery{}, fmt.Errorf("mail data: %w", err)
	}
	plain, err := json.Marshal(content{Tenant: t.Name, Data: raw})
	if err != nil {
		return storage.Delivery{}, fmt.Errorf("mail data: %w", err)
	}
	now := time.Now()
	mail := storage.Delivery{
		TenantID: t.ID, ID: uuid.Must(uuid.NewV7()).String(), Channel: channel, To: to, Template: template, Language: language,
		Data: m.Secrets.Box(t.ID, secret.Mail).Seal(plain), CreatedAt: now, NextAt: now,
	}
	mail.ExpiresAt = now.Add(noticeLife)
	if coded[template] {
		mail.ExpiresAt = now.Add(CodeLife)
	}
	return mail, nil
}

// Sends says whether there is somebody to send mails.
func (m *Mailer) Sends() bool { return m.Wake != nil && !m.NoMails }

// Stored says that composed mails are in the outbox now.
func (m *Mailer) Stored() {
	if m.Wake != nil {
		m.Wake()
	}
}

// CheckAddress refuses what is no bare address, above all what would add lines to a
// message's header or to the conversation with a server. The error does not quote it.
func CheckAddress(addr string) error {
	if len(addr) > 254 || strings.ContainsFunc(addr, unicode.IsControl) {
		return ErrAddress
	}
	if a, err := netmail.ParseAddress(addr); err != nil || a.Address != addr || a.Name != "" {
		return ErrAddress
	}
	return nil
}
