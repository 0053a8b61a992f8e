package remote

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/storage"
)

// said is what administrators say of a webhook, as the API has it.
type said struct {
	URL         string   `json:"url"`
	Description string   `json:"description,omitempty"`
	Kinds       []string `json:"kinds,omitempty"`
	Disabled    bool     `json:"disabled,omitempty"`
}

// webhook is a webhook as the API has one.
type webhook struct {
	ID string `json:"id"`
	said
	Secret string `json:"secret"`
	Status struct {
		times
		FailingSince time.Time `json:"failing_since"`
		PublicKeys   []string  `json:"public_keys"`
	} `json:"status"`
}

func (w webhook) record() desk.Webhook {
	return desk.Webhook{ID: w.ID, URL: w.URL, Description: w.Description, Kinds: w.Kinds, Disabled: w.Disabled,
		CreatedAt: w.Status.CreatedAt, UpdatedAt: w.Status.UpdatedAt, FailingSince: w.Status.FailingSince,
		PublicKeys: w.Status.PublicKeys}
}

// hookFault returns the error of a use case for a problem that the API answers.
func hookFault(err error) error {
	var p *api.Problem
	if errors.As(err, &p) {
		for _, f := range p.Errors {
			switch f.Field {
			case "url":
				return webhooks.ErrAddress
			case "kinds":
				return webhooks.ErrKind
			}
		}
		if p.Code == "too_many" {
			return webhooks.ErrTooMany
		}
	}
	return err
}

// Webhook implements desk.Webhooks, as the other methods below do.
func (d Desk) Webhook(ctx context.Context, id string) (desk.Webhook, error) {
	var w webhook
	err := d.api.Get(ctx, "/webhooks"+api.Path(id), &w)
	return w.record(), err
}

func (d Desk) Webhooks(ctx context.Context, after string) iter.Seq2[desk.Webhook, error] {
	return records(api.Pages[webhook](ctx, d.api, "/webhooks", nil), after, webhook.record,
		func(w desk.Webhook) string { return w.ID })
}

// secretOf calls an operation that shows a secret.
func (d Desk) secretOf(ctx context.Context, path string, in any) (desk.Webhook, string, error) {
	var w webhook
	h, err := d.api.Do(ctx, api.Call{Method: http.MethodPost, Path: path, In: in}, &w)
	if err == nil {
		err = lostSecret(h, w.Secret, "the webhook has a secret that isn't known here: rotate it for another one")
	}
	return w.record(), w.Secret, hookFault(err)
}

func (d Desk) AddWebhook(ctx context.Context, w webhooks.Said) (desk.Webhook, string, error) {
	return d.secretOf(ctx, "/webhooks", said(w))
}

func (d Desk) EditWebhook(ctx context.Context, id string, edit func(*webhooks.Said)) (desk.Webhook, error) {
	was, err := d.Webhook(ctx, id)
	if err != nil {
		return was, err
	}
	w := webhooks.Said{URL: was.URL, Description: was.Description, Kinds: was.Kinds, Disabled: was.Disabled}
	edit(&w)
	var now webhook
	err = d.api.Send(ctx, http.MethodPut, "/webhooks"+api.Path(id), said(w), &now)
	return now.record(), hookFault(err)
}

func (d Desk) RotateWebhook(ctx context.Context, id string) (desk.Webhook, string, error) {
	return d.secretOf(ctx, "/webhooks"+api.Path(id)+":rotate", nil)
}

func (d Desk) RemoveWebhook(ctx context.Context, id string) error {
	return d.api.Remove(ctx, "/webhooks"+api.Path(id))
}

// attempt is how an attempt to tell a webhook ended, as the API has it.
type attempt struct {
	Status int    `json:"status"`
	Took   int64  `json:"took"`
	Answer string `json:"answer"`
}

func (a attempt) result() webhooks.Result {
	return webhooks.Result{Status: a.Status, Took: time.Duration(a.Took) * time.Millisecond, Answer: a.Answer}
}

// delivery is a delivery as the API has one.
type delivery struct {
	Event string `json:"event"`
	Kind  string `json:"kind"`
	tries
}

// tries is how it stands with what is sent to an app, as the API has it.
type tries struct {
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	NextAt    time.Time `json:"next_at"`
	DoneAt    time.Time `json:"done_at"`
	Attempts  int       `json:"attempts"`
	Last      attempt   `json:"last"`
}

func (t tries) record() storage.Tries {
	r := t.Last.result()
	return storage.Tries{CreatedAt: t.CreatedAt, NextAt: t.NextAt, DoneAt: t.DoneAt,
		Dead: t.State == storage.StateDead, Attempts: t.Attempts, Status: r.Status, Took: r.Took, Answer: r.Answer}
}

func (d delivery) record() storage.WebhookDelivery {
	return storage.WebhookDelivery{EventID: d.Event, Kind: d.Kind, Tries: d.tries.record()}
}

func (d Desk) Deliveries(
	ctx context.Context, id string, f webhooks.Filter,
) iter.Seq2[storage.WebhookDelivery, error] {
	query := url.Values{"kind": f.Kinds}
	for name, value := range map[string]string{"state": f.State, "event": f.Event} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return records(api.Pages[delivery](ctx, d.api, "/webhooks"+api.Path(id, "deliveries"), query), "", delivery.record,
		func(d storage.WebhookDelivery) string { return d.EventID })
}

func (d Desk) ReplayWebhook(ctx context.Context, id, event string, since, until time.Time) (int64, error) {
	return d.replay(ctx, "/webhooks"+api.Path(id)+":replay", replayCall{Event: event, Since: since, Until: until})
}

// replayCall says what an app is sent again: what is named, or if that is "" all of a period.
type replayCall struct {
	Event   string    `json:"event,omitempty"`
	Session string    `json:"session,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"`
}

// replay has an app sent again what the call says, and returns how much that is.
func (d Desk) replay(ctx context.Context, path string, in replayCall) (int64, error) {
	if in.Event+in.Session != "" {
		in.Since, in.Until = time.Time{}, time.Time{}
	}
	var out struct {
		Count int64 `json:"count"`
	}
	err := d.api.Send(ctx, http.MethodPost, path, in, &out)
	return out.Count, err
}

func (d Desk) TestWebhook(ctx context.Context, id string) (webhooks.Result, error) {
	var a attempt
	err := d.api.Send(ctx, http.MethodPost, "/webhooks"+api.Path(id)+":test", nil, &a)
	return a.result(), err
}
