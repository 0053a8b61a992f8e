package mail

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Names returns the names of all messages: emails first, and then text messages.
func Names() []string { return slices.Concat(names, texts) }

// Sample returns a message of the tenant with samples in the place of codes and links. It is in
// English if it has no text in the language. storage.ErrNotFound: there is no such message.
func (t *Templates) Sample(at *issuer.Tenant, name, language string) (*Message, error) {
	t = t.or()
	m := storage.Delivery{TenantID: at.ID, Template: name, Language: language, Channel: storage.ChannelMail}
	if slices.Contains(texts, name) {
		m.Channel = storage.ChannelSMS
	}
	if t.text[language+"/"+name] == nil {
		m.Language = fallback
	}
	values := map[string]any{"Tenant": at.Name, "NotMe": samples["NotMe"]}
	if at.Name == "" {
		values["Tenant"] = samples["Tenant"]
	}
	for _, field := range fields[name] {
		values[field] = samples[field]
	}
	if t.text[m.Language+"/"+name] == nil {
		return nil, storage.ErrNotFound
	}
	own := lookOf(at)
	own.Text = at.Settings.MailText(name, m.Language)
	return t.renderWith(m, values, own)
}

// SampleValues returns the samples of a message's values, for a test message.
func SampleValues(name string) map[string]string {
	values := map[string]string{"NotMe": samples["NotMe"]}
	for _, field := range fields[name] {
		values[field] = samples[field]
	}
	return values
}
