package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Declared is a webhook that a file declares. Its id is none that a server gives.
type Declared struct {
	ID string
	Said
	Key []byte // what the secret stands for
}

// Plan is what makes the declared webhooks of a tenant those of a file.
type Plan struct {
	Fields diff.Fields // never with a secret among the values
	Gone   []string    // declared before, and not any more
	steps  []func(context.Context) error
}

// Plan compares the webhooks that are stored with those of a file. Those that were not declared stay. It returns an
// error that wraps ErrAddress, ErrKind or ErrTooMany.
func (m *Manager) Plan(ctx context.Context, tenant string, file []Declared) (p Plan, err error) {
	stored, err := m.Store.Webhooks(ctx, tenant, "", storage.MostWebhooks)
	if err != nil {
		return p, err
	}
	count := len(stored)
	for _, d := range file {
		if err := Check(storage.Webhook{URL: d.URL, Kinds: d.Kinds}, m.Reach); err != nil {
			return p, fmt.Errorf("webhook %s: %w", d.ID, err)
		}
		i := slices.IndexFunc(stored, func(w storage.Webhook) bool { return w.ID == d.ID })
		if i < 0 {
			count++
			p.Fields.Add("webhooks."+d.ID, nil, d.Said)
			p.steps = append(p.steps, func(ctx context.Context) error { return m.declare(ctx, tenant, d) })
			continue
		}
		if err := m.planChange(&p, stored[i], d); err != nil {
			return p, err
		}
	}
	for _, w := range stored {
		if uuid.Validate(w.ID) == nil || slices.ContainsFunc(file, func(d Declared) bool { return d.ID == w.ID }) {
			continue
		}
		count--
		p.Gone = append(p.Gone, "webhook "+w.ID)
		p.Fields.Add("webhooks."+w.ID, saidOf(w), nil)
		p.steps = append(p.steps, func(ctx context.Context) error {
			if err := m.Remove(ctx, tenant, w.ID); !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			return nil // another replica has removed it
		})
	}
	if count > storage.MostWebhooks {
		return p, ErrTooMany
	}
	return p, nil
}

// saidOf returns what is said of a webhook.
func saidOf(w storage.Webhook) Said { return Said{w.URL, w.Description, w.Kinds, w.Disabled} }

// planChange adds what makes a webhook the declared one.
func (m *Manager) planChange(p *Plan, w storage.Webhook, d Declared) error {
	keys, err := openKeys(m.Secrets, w)
	if err != nil {
		return err
	}
	before := len(p.Fields)
	p.Fields.Add("webhooks."+d.ID, saidOf(w), d.Said)
	other := !bytes.Equal(keys[0].Key, d.Key)
	if other {
		p.Fields = append(p.Fields, diff.Field{Name: "webhooks." + d.ID + ".secret", From: "(a secret)", To: "(another)"})
	}
	if len(p.Fields) == before {
		return nil
	}
	p.steps = append(p.steps, func(ctx context.Context) error {
		was, now, what := w.UpdatedAt, time.Now(), "settings"
		if other {
			what = "secret"
			if err := replace(m.Secrets, &w, d.Key, now); err != nil {
				return err
			}
		}
		w.URL, w.Description, w.Kinds, w.Disabled, w.UpdatedAt = d.URL, d.Description, d.Kinds, d.Disabled, now
		err := m.Store.UpdateWebhook(ctx, w, was, m.tell(w, storage.EventWebhookChanged, what))
		if errors.Is(err, storage.ErrStale) {
			return nil // another replica applied the same file meanwhile
		}
		return err
	})
	return nil
}

// declare adds a webhook with the id and the secret of the file.
func (m *Manager) declare(ctx context.Context, tenant string, d Declared) error {
	now := time.Now()
	w := storage.Webhook{TenantID: tenant, ID: d.ID, URL: d.URL, Description: d.Description, Kinds: d.Kinds,
		Disabled: d.Disabled, CreatedAt: now, UpdatedAt: now}
	if err := replace(m.Secrets, &w, d.Key, now); err != nil {
		return err
	}
	err := m.Store.AddWebhook(ctx, w, m.tell(w, storage.EventWebhookAdded, ""))
	if _, there := m.Store.Webhook(ctx, tenant, d.ID); err != nil && there == nil {
		return nil // as above
	}
	return err
}

// Apply carries the changes out, each with its event.
func (p Plan) Apply(ctx context.Context) error {
	for _, step := range p.steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
