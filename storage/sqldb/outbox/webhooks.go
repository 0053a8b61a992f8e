package outbox

import (
	"context"
	"math"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const webhookColumns = `tenant_id, id, url, description, kinds, disabled, data, created_at, updated_at, failing_since`

// scanWebhook reads a row of webhookColumns.
func scanWebhook(row engine.Scanner) (w storage.Webhook, err error) {
	err = row.Scan(&w.TenantID, &w.ID, &w.URL, &w.Description, column.JSON(&w.Kinds), &w.Disabled, column.Bytes(&w.Data),
		column.Time(&w.CreatedAt), column.Time(&w.UpdatedAt), column.Time(&w.FailingSince))
	return w, err
}

const addWebhook = `
	INSERT INTO webhooks (` + webhookColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// AddWebhook implements storage.Webhooks.
func (o *Outbox) AddWebhook(ctx context.Context, w storage.Webhook, events ...storage.Event) error {
	err := trail.Must(ctx, o.Engine, storage.ErrNotFound, events, addWebhook, w.TenantID, w.ID, w.URL, w.Description,
		column.Encode(w.Kinds), w.Disabled, w.Data, column.Micros(w.CreatedAt), column.Micros(w.UpdatedAt),
		column.Micros(w.FailingSince))
	return engine.Named(err, "add webhook", w.ID)
}

const updateWebhook = `
	UPDATE webhooks SET url = $3, description = $4, kinds = $5, disabled = $6, data = $7, updated_at = $8
	WHERE tenant_id = $1 AND id = $2 AND updated_at = $9 AND removed_at = 0`

// UpdateWebhook implements storage.Webhooks.
func (o *Outbox) UpdateWebhook(ctx context.Context, w storage.Webhook, was time.Time, events ...storage.Event) error {
	err := trail.Must(ctx, o.Engine, storage.ErrStale, events, updateWebhook, w.TenantID, w.ID, w.URL, w.Description,
		column.Encode(w.Kinds), w.Disabled, w.Data, column.Micros(w.UpdatedAt), column.Micros(was))
	return engine.Named(err, "update webhook", w.ID)
}

const webhookByID = `
	SELECT ` + webhookColumns + ` FROM webhooks
	WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`

// Webhook implements storage.Webhooks.
func (o *Outbox) Webhook(ctx context.Context, tenant, id string) (storage.Webhook, error) {
	w, err := engine.One(ctx, o.Engine, webhookByID, []any{tenant, id}, scanWebhook)
	return w, engine.Named(err, "webhook", id)
}

const listWebhooks = `
	SELECT ` + webhookColumns + ` FROM webhooks
	WHERE tenant_id = $1 AND id > $2 AND removed_at = 0
	ORDER BY id LIMIT $3`

// Webhooks implements storage.Webhooks.
func (o *Outbox) Webhooks(ctx context.Context, tenant, after string, limit int) ([]storage.Webhook, error) {
	all, err := engine.All(ctx, o.Engine, listWebhooks, []any{tenant, after, limit}, scanWebhook)
	return all, engine.Named(err, "webhooks after", after)
}

const allWebhooks = `SELECT ` + webhookColumns + ` FROM webhooks WHERE removed_at = 0`

// AllWebhooks implements storage.Webhooks.
func (o *Outbox) AllWebhooks(ctx context.Context) ([]storage.Webhook, error) {
	all, err := engine.All(ctx, o.Engine, allWebhooks, nil, scanWebhook)
	return all, engine.Wrapped(err, "all webhooks")
}

const setFailing = `UPDATE webhooks SET failing_since = $3 WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`

// SetFailing implements storage.Webhooks.
func (o *Outbox) SetFailing(ctx context.Context, tenant, id string, since time.Time) error {
	_, err := engine.Put(ctx, o.Engine, setFailing, tenant, id, column.Micros(since))
	return engine.Named(err, "failing webhook", id)
}

const deliveryColumns = `tenant_id, webhook, seq, event_id, kind, user_id, created_at, next_at, attempts, done_at, ` +
	`dead, status, took, answer`

// scanDelivery reads a row of deliveryColumns.
func scanDelivery(row engine.Scanner) (d storage.WebhookDelivery, err error) {
	var took int64
	err = row.Scan(&d.TenantID, &d.Webhook, &d.Seq, &d.EventID, &d.Kind, &d.UserID, column.Time(&d.CreatedAt),
		waitingUntil{&d.NextAt}, &d.Attempts, column.Time(&d.DoneAt), &d.Dead, &d.Status, &took, &d.Answer)
	d.Took = time.Duration(took) * time.Microsecond
	return d, err
}

// behind is next_at of a delivery that waits behind an earlier one about the same user. It becomes due when that is
// done. Were it due at some time, each claim would read all that wait behind a delivery that fails.
const behind = math.MaxInt64

// waitingUntil scans next_at; zero for behind.
type waitingUntil struct{ to *time.Time }

// Scan implements sql.Scanner.
func (w waitingUntil) Scan(src any) error {
	if n, ok := src.(int64); ok && n == behind {
		*w.to = time.Time{}
		return nil
	}
	return column.Time(w.to).Scan(src)
}

// waitInLine has deliveries from one place to another wait behind earlier ones about their users.
const waitInLine = `
	UPDATE webhook_deliveries SET next_at = $4
	WHERE tenant_id = $1 AND webhook = $2 AND seq >= $3 AND seq <= $5 AND done_at = 0 AND user_id <> '' AND EXISTS (
		SELECT 1 FROM webhook_deliveries AS earlier
		WHERE earlier.tenant_id = $1 AND earlier.webhook = $2 AND earlier.user_id = webhook_deliveries.user_id
			AND earlier.done_at = 0 AND earlier.seq < webhook_deliveries.seq)`

// claimWebhook has its condition twice, for the reason that claimMail has.
const claimWebhook = `
	UPDATE webhook_deliveries SET next_at = $4, attempts = attempts + 1
	WHERE tenant_id = $1 AND webhook = $2 AND done_at = 0 AND next_at <= $3 AND seq IN (
		SELECT due.seq FROM webhook_deliveries AS due
		WHERE due.tenant_id = $1 AND due.webhook = $2 AND due.done_at = 0 AND due.next_at <= $3
			AND (due.user_id = '' OR NOT EXISTS (
				SELECT 1 FROM webhook_deliveries AS before
				WHERE before.tenant_id = $1 AND before.webhook = $2 AND before.user_id = due.user_id
					AND before.done_at = 0 AND before.seq < due.seq))
		ORDER BY due.next_at LIMIT $5)
	RETURNING ` + deliveryColumns

// ClaimWebhook implements storage.Webhooks.
func (o *Outbox) ClaimWebhook(ctx context.Context, w storage.Webhook, now, leaseUntil time.Time, limit int,
) (all []storage.WebhookDelivery, err error) {
	err = o.Engine.Write(ctx, func(c engine.Conn) error {
		all = nil // it may be a repetition
		args := []any{w.TenantID, w.ID, column.Micros(now), column.Micros(leaseUntil), limit}
		return c.Each(claimWebhook, args, func(row engine.Scanner) error {
			d, err := scanDelivery(row)
			all = append(all, d)
			return err
		})
	})
	return all, engine.Named(err, "claim deliveries of", w.ID)
}

const (
	noteWebhook = `
		UPDATE webhook_deliveries SET next_at = $5, done_at = $6, dead = $7, status = $8, took = $9, answer = $10
		WHERE tenant_id = $1 AND webhook = $2 AND seq = $3 AND attempts = $4 AND done_at = 0`
	nextInLine = `
		UPDATE webhook_deliveries SET next_at = $4
		WHERE tenant_id = $1 AND webhook = $2 AND next_at = $5 AND done_at = 0 AND seq = (
			SELECT MIN(seq) FROM webhook_deliveries
			WHERE tenant_id = $1 AND webhook = $2 AND user_id = $3 AND done_at = 0)`
)

// NoteWebhook implements storage.Webhooks.
func (o *Outbox) NoteWebhook(ctx context.Context, d storage.WebhookDelivery) error {
	args := []any{d.TenantID, d.Webhook, d.Seq, d.Attempts, column.Micros(d.NextAt), column.Micros(d.DoneAt), d.Dead,
		d.Status, d.Took.Microseconds(), d.Answer}
	if d.DoneAt.IsZero() || d.UserID == "" {
		_, err := engine.Put(ctx, o.Engine, noteWebhook, args...)
		return engine.Named(err, "note delivery of", d.EventID)
	}
	err := o.Engine.Transact(ctx, func(c engine.Conn) error {
		// Deliveries are added with the feed held, too: none begins to wait behind this one from here on.
		if _, err := c.Exec(holdFeed, d.TenantID); err != nil {
			return err
		}
		if _, err := c.Exec(noteWebhook, args...); err != nil {
			return err
		}
		_, err := c.Exec(nextInLine, d.TenantID, d.Webhook, d.UserID, column.Micros(d.DoneAt), int64(behind))
		return err
	})
	return engine.Named(err, "note delivery of", d.EventID)
}

const webhookDeliveries = `
	SELECT ` + deliveryColumns + ` FROM webhook_deliveries
	WHERE tenant_id = $1 AND webhook = $2 AND seq < $3
	ORDER BY seq DESC LIMIT $4`

// WebhookDeliveries implements storage.Webhooks.
func (o *Outbox) WebhookDeliveries(ctx context.Context, tenant, webhook string, before int64, limit int,
) ([]storage.WebhookDelivery, error) {
	if before == 0 {
		before = 1 << 62
	}
	all, err := engine.All(ctx, o.Engine, webhookDeliveries, []any{tenant, webhook, before, limit}, scanDelivery)
	return all, engine.Named(err, "deliveries of", webhook)
}

// replayWebhook counts the days of tries anew.
const replayWebhook = `
	UPDATE webhook_deliveries SET next_at = $6, created_at = $6, attempts = 0, done_at = 0, dead = FALSE
	WHERE tenant_id = $1 AND webhook = $2 AND seq IN (
		SELECT seq FROM webhook_deliveries
		WHERE tenant_id = $1 AND webhook = $2 AND seq > $7 AND done_at <> 0
			AND (event_id = $3 OR $3 = '' AND created_at >= $4 AND created_at <= $5)
		ORDER BY seq LIMIT $8)
	RETURNING seq`

// replayPart is how many deliveries are sent again in one transaction, and replayRest the pause behind it.
const (
	replayPart = 500
	replayRest = 20 * time.Millisecond
)

// ReplayWebhook implements storage.Webhooks.
func (o *Outbox) ReplayWebhook(ctx context.Context, tenant, webhook, eventID string, since, until, now time.Time,
	events ...storage.Event,
) (total int64, err error) {
	for from, n := int64(0), replayPart; n == replayPart; events = nil {
		last := from
		err = trail.Transact(ctx, o.Engine, events, func(c engine.Conn) error {
			n, last = 0, from // it may be a repetition
			if _, err := c.Exec(holdFeed, tenant); err != nil {
				return err
			}
			args := []any{tenant, webhook, eventID, column.Micros(since), column.Micros(until), column.Micros(now), from,
				replayPart}
			if err := c.Each(replayWebhook, args, func(row engine.Scanner) error {
				seq, err := engine.ScanCount(row)
				n, last = n+1, max(last, seq)
				return err
			}); err != nil || n == 0 {
				return err
			}
			_, err := c.Exec(waitInLine, tenant, webhook, from, int64(behind), last)
			return err
		})
		if err != nil {
			break
		}
		if from, total = last, total+int64(n); n == replayPart {
			time.Sleep(replayRest)
		}
	}
	return total, engine.Named(err, "replay deliveries of", webhook)
}

// The queries of what Sweep deletes: deliveries that are done, and places in feeds.
const (
	SweepDeliveries = `
		DELETE FROM webhook_deliveries WHERE (tenant_id, webhook, seq) IN (
			SELECT tenant_id, webhook, seq FROM webhook_deliveries
			WHERE done_at <= $1 AND done_at >= $2 AND done_at <> 0 ORDER BY done_at LIMIT $3)
		RETURNING done_at`
	SweepFeeds = `
		DELETE FROM feed_events WHERE (tenant_id, seq) IN (
			SELECT tenant_id, seq FROM feed_events
			WHERE added_at <= $1 AND added_at >= $2 ORDER BY added_at LIMIT $3)
		RETURNING added_at`
)
