package here

import (
	"context"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/storage"
)

// masters returns the master secrets, which seal the secrets of webhooks.
func (d *Desk) masters(ctx context.Context) (*secret.Masters, error) {
	useCases, err := d.People(ctx)
	if err != nil {
		return nil, err
	}
	return useCases.Secrets, nil
}

// hooks opens the use cases about webhooks, and returns the one with the id unless that is "".
func (d *Desk) hooks(ctx context.Context, id string) (m webhooks.Manager, w storage.Webhook, err error) {
	m = webhooks.Manager{Store: d.Store, Reach: d.Reach, Event: d.Asker.Event}
	if m.Secrets, err = d.masters(ctx); err == nil && id != "" {
		w, err = d.Store.Webhook(ctx, d.tenant(), id)
	}
	return m, w, err
}

// shown returns a webhook as commands have it.
func shown(m webhooks.Manager, w storage.Webhook) (desk.Webhook, error) {
	public, err := webhooks.PublicKeys(m.Secrets, w, time.Now())
	return desk.Webhook{ID: w.ID, URL: w.URL, Description: w.Description, Kinds: w.Kinds, Disabled: w.Disabled,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, FailingSince: w.FailingSince, PublicKeys: public}, err
}

// Webhook implements desk.Webhooks, as the other methods below do.
func (d *Desk) Webhook(ctx context.Context, id string) (desk.Webhook, error) {
	m, w, err := d.hooks(ctx, id)
	if err != nil {
		return desk.Webhook{}, err
	}
	return shown(m, w)
}

func (d *Desk) Webhooks(ctx context.Context, after string) iter.Seq2[desk.Webhook, error] {
	return func(yield func(desk.Webhook, error) bool) {
		m, _, err := d.hooks(ctx, "")
		if err != nil {
			yield(desk.Webhook{}, err)
			return
		}
		all := from(after, func(after string) ([]storage.Webhook, error) {
			return d.Store.Webhooks(ctx, d.tenant(), after, listing.PageSize)
		}, func(w storage.Webhook) string { return w.ID })
		for w, err := range all {
			var one desk.Webhook
			if err == nil {
				one, err = shown(m, w)
			}
			if !yield(one, err) || err != nil {
				return
			}
		}
	}
}

func (d *Desk) AddWebhook(ctx context.Context, said webhooks.Said) (out desk.Webhook, value string, err error) {
	m, _, err := d.hooks(ctx, "")
	if err != nil {
		return out, "", err
	}
	w, value, err := m.Add(ctx, d.tenant(), said)
	if err != nil {
		return out, "", err
	}
	out, err = shown(m, w)
	return out, value, err
}

func (d *Desk) EditWebhook(ctx context.Context, id string, edit func(*webhooks.Said)) (out desk.Webhook, err error) {
	m, w, err := d.hooks(ctx, id)
	if err != nil {
		return out, err
	}
	said := webhooks.Said{URL: w.URL, Description: w.Description, Kinds: w.Kinds, Disabled: w.Disabled}
	edit(&said)
	if w, err = m.Change(ctx, w, said); err != nil {
		return out, err
	}
	return shown(m, w)
}

func (d *Desk) RotateWebhook(ctx context.Context, id string) (out desk.Webhook, value string, err error) {
	m, w, err := d.hooks(ctx, id)
	if err != nil {
		return out, "", err
	}
	if w, value, err = m.Rotate(ctx, w); err != nil {
		return out, "", err
	}
	out, err = shown(m, w)
	return out, value, err
}

func (d *Desk) RemoveWebhook(ctx context.Context, id string) error {
	m, _, err := d.hooks(ctx, "")
	if err != nil {
		return err
	}
	return m.Remove(ctx, d.tenant(), id)
}

func (d *Desk) Deliveries(
	ctx context.Context, id string, f webhooks.Filter,
) iter.Seq2[storage.WebhookDelivery, error] {
	return func(yield func(storage.WebhookDelivery, error) bool) {
		_, err := d.Store.Webhook(ctx, d.tenant(), id)
		for before := int64(0); err == nil; {
			began := time.Now()
			var all []storage.WebhookDelivery
			all, before, err = webhooks.Log(ctx, d.Store, d.tenant(), id, before, listing.PageSize, f)
			for _, one := range all {
				if !yield(one, nil) {
					return
				}
			}
			if err == nil && before == 0 {
				return
			}
			listing.Rest(began)
		}
		yield(storage.WebhookDelivery{}, err)
	}
}

func (d *Desk) ReplayWebhook(ctx context.Context, id, event string, since, until time.Time) (int64, error) {
	m, w, err := d.hooks(ctx, id)
	if err != nil {
		return 0, err
	}
	return m.Replay(ctx, w, event, since, until)
}

func (d *Desk) TestWebhook(ctx context.Context, id string) (webhooks.Result, error) {
	m, w, err := d.hooks(ctx, id)
	if err != nil {
		return webhooks.Result{}, err
	}
	return webhooks.NewSender(m.Secrets, d.Reach).Test(ctx, w), nil
}
