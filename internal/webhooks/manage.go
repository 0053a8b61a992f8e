package webhooks

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Manager has the use cases of administrators about the webhooks of a tenant.
type Manager struct {
	Store   storage.Webhooks
	Secrets *secret.Masters
	Reach   outbound.Config // which addresses webhooks may have
	// Event completes the events of what is done, at a tenant.
	Event func(storage.Event) storage.Event
	// Wake, unless nil, is called after a webhook was added.
	Wake func()
}

// ErrTooMany says that a tenant has as many webhooks as it may have.
var ErrTooMany = errors.New("the tenant has 50 webhooks")

// Said is what administrators say of a webhook.
type Said struct {
	URL         string   `json:"url"`
	Description string   `json:"description,omitempty"`
	Kinds       []string `json:"kinds,omitempty"` // "login.*" stands for all that begin so; none for all
	Disabled    bool     `json:"disabled,omitempty"`
}

// tell returns the event of a change to a webhook; what says which change, or is "".
func (m *Manager) tell(w storage.Webhook, kind, what string) storage.Event {
	detail := map[string]string{"webhook": w.ID}
	if what != "" {
		detail["what"] = what
	}
	return m.Event(storage.Event{TenantID: w.TenantID, Kind: kind, Detail: detail})
}

// Add adds a webhook, and returns it with its secret, which nothing shows again. It returns ErrAddress, ErrKind or
// ErrTooMany.
func (m *Manager) Add(ctx context.Context, tenant string, said Said) (w storage.Webhook, shown string, err error) {
	now := time.Now()
	w = storage.Webhook{TenantID: tenant, ID: uuid.Must(uuid.NewV7()).String(), URL: said.URL,
		Description: said.Description, Kinds: said.Kinds, Disabled: said.Disabled, CreatedAt: now, UpdatedAt: now}
	if err := Check(w, m.Reach); err != nil {
		return w, "", err
	}
	all, err := m.Store.Webhooks(ctx, tenant, "", storage.MostWebhooks)
	if err != nil {
		return w, "", err
	}
	if len(all) >= storage.MostWebhooks {
		return w, "", ErrTooMany
	}
	if shown, err = Rotate(m.Secrets, &w, now); err != nil {
		return w, "", err
	}
	if err := m.Store.AddWebhook(ctx, w, m.tell(w, storage.EventWebhookAdded, "")); err != nil {
		return w, "", err
	}
	if m.Wake != nil {
		m.Wake()
	}
	return w, shown, nil
}

// Change stores what is said of a webhook that was read before. It returns ErrAddress or ErrKind, or storage.ErrStale
// if it was changed meanwhile.
func (m *Manager) Change(ctx context.Context, w storage.Webhook, said Said) (storage.Webhook, error) {
	was := w.UpdatedAt
	w.URL, w.Description, w.Kinds, w.Disabled = said.URL, said.Description, said.Kinds, said.Disabled
	w.UpdatedAt = time.Now()
	if err := Check(w, m.Reach); err != nil {
		return w, err
	}
	return w, m.Store.UpdateWebhook(ctx, w, was, m.tell(w, storage.EventWebhookChanged, "settings"))
}

// Rotate gives a webhook that was read before a new secret, and returns both. It returns storage.ErrStale if the
// webhook was changed meanwhile.
func (m *Manager) Rotate(ctx context.Context, w storage.Webhook) (_ storage.Webhook, shown string, err error) {
	was := w.UpdatedAt
	w.UpdatedAt = time.Now()
	if shown, err = Rotate(m.Secrets, &w, w.UpdatedAt); err != nil {
		return w, "", err
	}
	return w, shown, m.Store.UpdateWebhook(ctx, w, was, m.tell(w, storage.EventWebhookChanged, "secret"))
}

// Remove removes a webhook with what waits to be sent there, or returns storage.ErrNotFound.
func (m *Manager) Remove(ctx context.Context, tenant, id string) error {
	w := storage.Webhook{TenantID: tenant, ID: id}
	return m.Store.RemoveWebhook(ctx, tenant, id, time.Now(), m.tell(w, storage.EventWebhookRemoved, ""))
}

// Replay has events sent again that were delivered or given up: the one with the id, or if that is "" all that began to
// wait in a period. It returns how many.
func (m *Manager) Replay(ctx context.Context, w storage.Webhook, event string, since, until time.Time) (int64, error) {
	return m.Store.ReplayWebhook(ctx, w.TenantID, w.ID, event, since, until, time.Now(),
		m.tell(w, storage.EventWebhookChanged, "replay"))
}
