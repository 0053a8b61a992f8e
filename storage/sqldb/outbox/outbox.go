// Package outbox keeps the deliveries that wait to be sent, in SQL. A change that causes a message stores it here in
// its own transaction (Enqueue); workers claim what is due under a lease.
package outbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const mailColumns = `tenant_id, id, recipient, template, language, data, created_at, next_at, attempts, last_error, ` +
	`dead_at, channel, expires_at`

// scanMail reads a row of mailColumns.
func scanMail(row engine.Scanner) (m storage.Delivery, err error) {
	err = row.Scan(&m.TenantID, &m.ID, &m.To, &m.Template, &m.Language, column.Bytes(&m.Data),
		column.Time(&m.CreatedAt), column.Time(&m.NextAt), &m.Attempts, &m.LastError, column.Time(&m.DeadAt), &m.Channel,
		column.Time(&m.ExpiresAt))
	return m, err
}

const addMail = `
	INSERT INTO mail (` + mailColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

// Enqueue stores mails in the transaction of the change that causes them.
func Enqueue(c engine.Conn, mails []storage.Delivery) error {
	for _, m := range mails {
		_, err := c.Exec(addMail, m.TenantID, m.ID, m.To, m.Template, m.Language, m.Data,
			column.Micros(m.CreatedAt), column.Micros(m.NextAt), m.Attempts, m.LastError, column.Micros(m.DeadAt),
			cmp.Or(m.Channel, storage.ChannelMail), column.Micros(m.ExpiresAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// Outbox implements storage.Outbox.
type Outbox struct{ Engine engine.Engine }

const (
	// The condition is there twice: a worker that waited for a row that another one claimed
	// meanwhile evaluates the outer condition again (READ COMMITTED), and leaves the row alone.
	claimMail = `
		UPDATE mail SET next_at = $3, attempts = attempts + 1
		WHERE next_at <= $1 AND dead_at = 0 AND (tenant_id, id) IN (
			SELECT tenant_id, id FROM mail
			WHERE ` + isDue + ` ORDER BY next_at, id LIMIT $4)
		RETURNING ` + mailColumns
	dueMail = `
		SELECT COUNT(*) FROM (
			SELECT id FROM mail
			WHERE ` + isDue + ` LIMIT 1) AS found`
	// $2 is a list of channels, as in ",mail,sms,", or "". Deliveries of a tenant that is being removed are as
	// good as gone.
	isDue = `next_at <= $1 AND dead_at = 0 AND (expires_at = 0 OR expires_at > $1)
			AND ($2 = '' OR $2 LIKE '%,' || channel || ',%') AND NOT EXISTS (
				SELECT 1 FROM removals WHERE removals.tenant_id = mail.tenant_id AND removals.kind = 'tenant')`
)

// ClaimDeliveries implements storage.Outbox.
func (o *Outbox) ClaimDeliveries(ctx context.Context, now, leaseUntil time.Time, limit int, channels ...string,
) ([]storage.Delivery, error) {
	of := ""
	if len(channels) > 0 {
		of = "," + strings.Join(channels, ",") + ","
	}
	for {
		var all []storage.Delivery
		err := o.Engine.Write(ctx, func(c engine.Conn) error {
			all = nil // it may be a repetition
			args := []any{column.Micros(now), of, column.Micros(leaseUntil), limit}
			return c.Each(claimMail, args, func(row engine.Scanner) error {
				m, err := scanMail(row)
				all = append(all, m)
				return err
			})
		})
		if err != nil {
			return nil, engine.Wrapped(err, "claim mail")
		}
		if len(all) > 0 {
			slices.SortFunc(all, func(a, b storage.Delivery) int { return a.CreatedAt.Compare(b.CreatedAt) })
			return all, nil
		}
		// Nothing was due, or others took all that was looked at: there may be more.
		n, err := engine.One(ctx, o.Engine, dueMail, []any{column.Micros(now), of}, engine.ScanCount)
		if err != nil || n == 0 {
			return nil, engine.Wrapped(err, "due mail")
		}
	}
}

// releaseMail gives back what was claimed until one moment, $1. What was claimed until another one belongs to others.
const releaseMail = `UPDATE mail SET next_at = $2 WHERE next_at = $1 AND dead_at = 0`

// ReleaseDeliveries implements storage.Outbox.
func (o *Outbox) ReleaseDeliveries(ctx context.Context, leaseUntil, now time.Time) error {
	_, err := engine.Put(ctx, o.Engine, releaseMail, column.Micros(leaseUntil), column.Micros(now))
	return engine.Wrapped(err, "release mail")
}

const mailSent = `DELETE FROM mail WHERE tenant_id = $1 AND id = $2`

// Delivered implements storage.Outbox.
func (o *Outbox) Delivered(ctx context.Context, tenant, id string) error {
	_, err := engine.Put(ctx, o.Engine, mailSent, tenant, id)
	return engine.Named(err, "mail sent", id)
}

const mailFailed = `
	UPDATE mail SET next_at = $3, dead_at = $4, last_error = $5
	WHERE tenant_id = $1 AND id = $2 AND attempts = $6`

// DeliveryFailed implements storage.Outbox. The count of attempts tells whose claim it is.
func (o *Outbox) DeliveryFailed(ctx context.Context, claimed storage.Delivery, nextAt,
	deadAt time.Time, why string,
) error {
	_, err := engine.Put(ctx, o.Engine, mailFailed, claimed.TenantID, claimed.ID, column.Micros(nextAt),
		column.Micros(deadAt), why, claimed.Attempts)
	return engine.Named(err, "mail failed", claimed.ID)
}

const deadMail = `
	SELECT ` + mailColumns + ` FROM mail
	WHERE tenant_id = $1 AND id > $2 AND dead_at <> 0
	ORDER BY id LIMIT $3`

// DeadDeliveries implements storage.Outbox.
func (o *Outbox) DeadDeliveries(ctx context.Context, tenant, after string, limit int) ([]storage.Delivery, error) {
	all, err := engine.All(ctx, o.Engine, deadMail, []any{tenant, after, limit}, scanMail)
	return all, engine.Named(err, "dead mail after", after)
}

const waitingMail = `
	SELECT ` + mailColumns + ` FROM mail
	WHERE tenant_id = $1 AND id > $2 AND dead_at = 0 AND template <> ''
	ORDER BY id LIMIT $3`

// WaitingDeliveries implements storage.Outbox.
func (o *Outbox) WaitingDeliveries(
	ctx context.Context, tenant, after string, limit int,
) ([]storage.Delivery, error) {
	all, err := engine.All(ctx, o.Engine, waitingMail, []any{tenant, after, limit}, scanMail)
	return all, engine.Named(err, "waiting mail after", after)
}

// reviveMail has a delivery that was given up tried again, as often as a new one, unless it has expired.
const reviveMail = `
	UPDATE mail SET next_at = $3, dead_at = 0, attempts = 0
	WHERE tenant_id = $1 AND id = $2 AND dead_at <> 0 AND (expires_at = 0 OR expires_at > $3)`

// ReviveDelivery implements storage.Outbox.
func (o *Outbox) ReviveDelivery(ctx context.Context, tenant, id string, now time.Time, events ...storage.Event) error {
	err := trail.Must(ctx, o.Engine, storage.ErrNotFound, events, reviveMail, tenant, id, column.Micros(now))
	return engine.Named(err, "revive mail", id)
}

const dropMail = `DELETE FROM mail WHERE tenant_id = $1 AND id = $2 AND dead_at <> 0`

// DropDelivery implements storage.Outbox.
func (o *Outbox) DropDelivery(ctx context.Context, tenant, id string, events ...storage.Event) error {
	err := trail.Must(ctx, o.Engine, storage.ErrNotFound, events, dropMail, tenant, id)
	return engine.Named(err, "drop mail", id)
}

const countMail = `
	SELECT (SELECT COUNT(*) FROM mail WHERE dead_at = 0), (SELECT COUNT(*) FROM mail WHERE dead_at <> 0)`

// CountDeliveries implements storage.Outbox.
func (o *Outbox) CountDeliveries(ctx context.Context) (queued, dead int64, err error) {
	err = o.Engine.Read(ctx, func(c engine.Conn) error { return c.Row(countMail).Scan(&queued, &dead) })
	if err != nil {
		return 0, 0, fmt.Errorf("count mail: %w", err)
	}
	return queued, dead, nil
}

// Tell stores the deliveries and the events that tell of a change, in its transaction.
func Tell(c engine.Conn, deliveries []storage.Delivery, events []storage.Event) error {
	if err := Enqueue(c, deliveries); err != nil {
		return err
	}
	return trail.RecordAll(c, events)
}
