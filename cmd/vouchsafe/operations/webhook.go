package operations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/storage"
)

// WebhookCmd is the family of commands about webhooks.
type WebhookCmd struct {
	List       webhookListCmd       `cmd:"" help:"List webhooks."`
	Add        webhookAddCmd        `cmd:"" help:"Add a webhook: an address that is told of events from now on. Its secret is printed this once."`
	Edit       webhookEditCmd       `cmd:"" help:"Change a webhook."`
	Rotate     webhookRotateCmd     `cmd:"" help:"Give a webhook a new secret, which is printed this once. The former one signs for another day."`
	Remove     webhookRemoveCmd     `cmd:"" help:"Remove a webhook with what waits to be sent there."`
	Deliveries webhookDeliveriesCmd `cmd:"" help:"List what waits, was delivered and was given up, newest first."`
	Replay     webhookReplayCmd     `cmd:"" help:"Send events again that were delivered or given up."`
	Test       webhookTestCmd       `cmd:"" help:"Send an event of the type test, and show what the app answers."`
}

// WebhookView is a webhook as commands print it.
type WebhookView struct {
	ID           string     `json:"id"`
	URL          string     `json:"url"`
	Description  string     `json:"description,omitempty"`
	Kinds        []string   `json:"kinds,omitempty"`
	Disabled     bool       `json:"disabled,omitempty"`
	Secret       string     `json:"secret,omitempty"`
	PublicKeys   []string   `json:"public_keys,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

func viewWebhook(w desk.Webhook) WebhookView {
	v := WebhookView{ID: w.ID, URL: w.URL, Description: w.Description, Kinds: w.Kinds, Disabled: w.Disabled,
		PublicKeys: w.PublicKeys, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt}
	if !w.FailingSince.IsZero() {
		v.FailingSince = &w.FailingSince
	}
	return v
}

// state returns what a table says of a webhook.
func (v WebhookView) state() string {
	switch {
	case v.Disabled:
		return "disabled"
	case v.FailingSince != nil:
		return "failing since " + terminal.Zoned(*v.FailingSince)
	}
	return "enabled"
}

// explainedWebhook returns the error with what the operator can do about it.
func explainedWebhook(err error, id string) error {
	switch {
	case errors.Is(err, webhooks.ErrAddress):
		return errors.New("the address has to be a URL of https, without a username, a password or a fragment")
	case errors.Is(err, webhooks.ErrKind):
		return errors.New("there are no events of such a kind: docs/events.md lists them, and login.* stands for all that " +
			"begin so")
	case errors.Is(err, storage.ErrStale):
		return fmt.Errorf("webhook %s was changed by another request at this moment: try again", id)
	}
	return command.NoSuch(err, "webhook", id)
}

// webhookListCmd lists the webhooks of a tenant by id.
type webhookListCmd struct {
	command.PageFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the webhooks without their secrets.
func (c *webhookListCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all, columns := command.First(c.Limit, d.Webhooks(ctx, c.After)), []string{"ID", "URL", "EVENTS", "STATE"}
		return terminal.PrintList(&a.Terminal, c.JSON, all, viewWebhook, columns, func(v WebhookView) []string {
			kinds := "all"
			if len(v.Kinds) > 0 {
				kinds = strings.Join(v.Kinds, " ")
			}
			return []string{v.ID, v.URL, kinds, v.state()}
		})
	})
}

// tellSecret prints a secret, and a sentence about it.
func tellSecret(a *command.App, asJSON bool, w desk.Webhook, secret, sentence string, args ...any) error {
	if asJSON {
		v := viewWebhook(w)
		v.Secret = secret
		return a.PrintJSON(v)
	}
	fmt.Fprintln(a.Out, terminal.Printable(secret))
	fmt.Fprintf(a.Err, sentence+"\n", args...)
	return nil
}

// webhookAddCmd adds a webhook.
type webhookAddCmd struct {
	URL         string   `arg:"" name:"url" help:"Where events are posted to, by https."`
	Kind        []string `sep:"none" help:"Send events of this kind; login.* stands for all that begin so. Repeatable; without it all are sent." placeholder:"KIND"`
	Description string   `help:"What it is for." placeholder:"TEXT"`
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the secret to the output, and the id beside it.
func (c *webhookAddCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		w, secret, err := d.AddWebhook(ctx, webhooks.Said{URL: c.URL, Description: c.Description, Kinds: c.Kind})
		if err != nil {
			return explainedWebhook(err, c.URL)
		}
		return tellSecret(a, c.JSON, w, secret, "Added webhook %s to tenant %s. This is its secret.", w.ID, c.Tenant)
	})
}

// whichWebhook names a webhook.
type whichWebhook struct {
	ID string `arg:"" help:"The webhook's id, as shown by webhook list." complete:"webhook"`
	command.PlaceFlags
	command.JSONFlag
}

// webhookEditCmd changes a webhook.
type webhookEditCmd struct {
	whichWebhook
	URL         *string  `name:"url" help:"Where events are posted to, by https." placeholder:"URL"`
	Kind        []string `sep:"none" help:"Send events of these kinds only. Repeatable." placeholder:"KIND"`
	All         bool     `name:"all-kinds" help:"Send events of all kinds." xor:"kinds"`
	Description *string  `help:"What it is for." placeholder:"TEXT"`
	Enable      bool     `help:"Send events." xor:"state"`
	Disable     bool     `help:"Send no more events; what waits goes on waiting." xor:"state"`
}

// Run changes what is given, and keeps the rest.
func (c *webhookEditCmd) Run(ctx context.Context, a *command.App) error {
	if c.All && len(c.Kind) > 0 {
		return command.Misused("--kind and --all-kinds exclude each other")
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		w, err := d.EditWebhook(ctx, c.ID, func(s *webhooks.Said) {
			if c.URL != nil {
				s.URL = *c.URL
			}
			if c.Description != nil {
				s.Description = *c.Description
			}
			if c.All || len(c.Kind) > 0 {
				s.Kinds = c.Kind
			}
			if c.Enable || c.Disable {
				s.Disabled = c.Disable
			}
		})
		if err != nil {
			return explainedWebhook(err, c.ID)
		}
		if c.JSON {
			return a.PrintJSON(viewWebhook(w))
		}
		return a.PrintSentence("Changed webhook %s of tenant %s.", c.ID, c.Tenant)
	})
}

// webhookRotateCmd gives a webhook a new secret.
type webhookRotateCmd struct{ whichWebhook }

// Run prints the new secret.
func (c *webhookRotateCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		w, secret, err := d.RotateWebhook(ctx, c.ID)
		if err != nil {
			return explainedWebhook(err, c.ID)
		}
		const sentence = "This is the new secret of webhook %s. For 24 hours the former one signs too."
		return tellSecret(a, c.JSON, w, secret, sentence, terminal.Printable(c.ID))
	})
}

// webhookRemoveCmd removes a webhook.
type webhookRemoveCmd struct {
	whichWebhook
	command.YesFlag
}

// Run asks first.
func (c *webhookRemoveCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		w, err := d.Webhook(ctx, c.ID)
		if err != nil {
			return explainedWebhook(err, c.ID)
		}
		err = a.Approve(ctx, c.YesFlag, "This removes the webhook %s of tenant %s with what waits to be sent there.", w.URL,
			c.Tenant)
		if err != nil {
			return err
		}
		if err := d.RemoveWebhook(ctx, c.ID); err != nil {
			return explainedWebhook(err, c.ID)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "webhook", c.ID, c.ID)
	})
}

// webhookDeliveriesCmd lists the deliveries of a webhook.
type webhookDeliveriesCmd struct {
	whichWebhook
	State string   `enum:"waiting,delivered,dead," default:"" help:"Only those in this state: waiting, delivered or dead." placeholder:"STATE"`
	Event string   `help:"Only that of the event with this id." placeholder:"ID" complete:"event"`
	Kind  []string `sep:"none" help:"Only events of this kind; login.* stands for all that begin so. Repeatable." placeholder:"KIND"`
	Limit int      `default:"100" help:"How many are printed at most." placeholder:"N"`
}

// deliveryView is a delivery as commands print it.
type deliveryView struct {
	Event     string     `json:"event"`
	Kind      string     `json:"kind"`
	State     string     `json:"state"`
	Attempts  int        `json:"attempts"`
	Status    int        `json:"status,omitempty"`
	Took      int64      `json:"took,omitempty"` // milliseconds
	Answer    string     `json:"answer,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	NextAt    *time.Time `json:"next_at,omitempty"`
	DoneAt    *time.Time `json:"done_at,omitempty"`
}

func viewDelivery(d storage.WebhookDelivery) deliveryView {
	v := deliveryView{Event: d.EventID, Kind: d.Kind, State: d.State(), Attempts: d.Attempts, Status: d.Status,
		Took: d.Took.Milliseconds(), Answer: d.Answer, CreatedAt: d.CreatedAt}
	if !d.DoneAt.IsZero() {
		v.DoneAt = &d.DoneAt
	} else if !d.NextAt.IsZero() {
		v.NextAt = &d.NextAt
	}
	return v
}

// Run prints the deliveries while it reads them.
func (c *webhookDeliveriesCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all := command.First(c.Limit, d.Deliveries(ctx, c.ID, webhooks.Filter{State: c.State, Event: c.Event, Kinds: c.Kind}))
		columns := []string{"EVENT", "KIND", "STATE", "SINCE", "ATTEMPTS", "STATUS", "ANSWER"}
		err := terminal.PrintList(&a.Terminal, c.JSON, all, viewDelivery, columns, func(v deliveryView) []string {
			status := ""
			if v.Status != 0 {
				status = strconv.Itoa(v.Status)
			}
			return []string{v.Event, v.Kind, v.State, terminal.Zoned(v.CreatedAt), strconv.Itoa(v.Attempts), status, v.Answer}
		})
		return explainedWebhook(err, c.ID)
	})
}

// webhookReplayCmd has events sent again.
type webhookReplayCmd struct {
	whichWebhook
	Event string    `help:"The id of an event." placeholder:"ID" xor:"which" complete:"event"`
	Since time.Time `help:"All that began to wait since this time." placeholder:"TIME" xor:"which"`
	Until time.Time `help:"None that began to wait later." placeholder:"TIME"`
}

// Run prints how many are sent again.
func (c *webhookReplayCmd) Run(ctx context.Context, a *command.App) error {
	if (c.Event == "") == c.Since.IsZero() {
		return command.Misused("name an event with --event, or a time with --since")
	}
	if c.Until.IsZero() {
		c.Until = time.Now()
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		n, err := d.ReplayWebhook(ctx, c.ID, c.Event, c.Since, c.Until)
		if err != nil {
			return explainedWebhook(err, c.ID)
		}
		if c.JSON {
			return a.PrintJSON(struct {
				Count int64 `json:"count"`
			}{n})
		}
		return a.PrintSentence("Events that are sent again: %s.", strconv.FormatInt(n, 10))
	})
}

// webhookTestCmd tries a webhook.
type webhookTestCmd struct{ whichWebhook }

// Run prints the answer, and fails unless the app took the event.
func (c *webhookTestCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		r, err := d.TestWebhook(ctx, c.ID)
		if err != nil {
			return explainedWebhook(err, c.ID)
		}
		if c.JSON {
			err = a.PrintJSON(struct {
				Accepted bool   `json:"accepted"`
				Status   int    `json:"status,omitempty"`
				Took     int64  `json:"took"`
				Answer   string `json:"answer,omitempty"`
			}{r.Accepted(), r.Status, r.Took.Milliseconds(), r.Answer})
		} else {
			fields := [][2]string{{"Status", strconv.Itoa(r.Status)}, {"Took", r.Took.Round(time.Millisecond).String()},
				{"Answer", r.Answer}}
			err = a.PrintFields(slices.DeleteFunc(fields, func(f [2]string) bool { return f[1] == "" || f[1] == "0" }))
		}
		if err == nil && !r.Accepted() {
			err = errors.New("the app didn't take the event")
		}
		return err
	})
}
