package mail

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ComposeHook returns a webhook to an app, to be stored with the change that causes it: hook says which one, and data
// are sealed. It is worth sending for life. Call Stored once it is stored.
func (m *Mailer) ComposeHook(tenant, hook string, data any, life time.Duration) (storage.Delivery, error) {
	plain, err := json.Marshal(data)
	if err != nil {
		return storage.Delivery{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return storage.Delivery{}, err
	}
	now := time.Now()
	return storage.Delivery{
		TenantID: tenant, ID: id.String(), Channel: storage.ChannelDelegated, To: "app", Template: hook,
		Data: m.Secrets.Box(tenant, secret.Mail).Seal(plain), CreatedAt: now, NextAt: now, ExpiresAt: now.Add(life),
	}, nil
}

// OpenData returns the data of a delivery, as JSON.
func OpenData(secrets *secret.Masters, d storage.Delivery) ([]byte, error) {
	return secrets.Box(d.TenantID, secret.Mail).Open(d.Data)
}
