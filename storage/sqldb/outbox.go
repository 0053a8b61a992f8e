package sqldb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const mailColumns = `tenant_id, id, recipient, template, language, data, created_at, next_at, attempts, last_error, ` +
	`dead_at, channel, expires_at`

// scanMail reads a row of mailColumns.
func scanMail(row scanner) (m storage.Delivery, err error) {
	err = row.Scan(&m.TenantID, &m.ID, &m.To, &m.Template, &m.Language, bytesColumn{&m.Data},
		timeColumn{&m.CreatedAt}, timeColumn{&m.NextAt}, &m.Attempts, &m.LastError, timeColumn{&m.DeadAt}, &m.Channel,
		timeColumn{&m.ExpiresAt})
	return m, err
}

const addMail = `
	INSERT INTO mail (` + mailColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

// enqueue stores mails in the transaction of the change that causes them.
func enqueue(c conn, mails []storage.Delivery) error {
	for _, m := range mails {
		_, err := c.Exec(addMail, m.TenantID, m.ID, m.To, m.Template, m.Language, m.Data,
			micros(m.CreatedAt), micros(m.NextAt), m.Attempts, m.LastError, micros(m.DeadAt),
			cmp.Or(m.Channel, storage.ChannelMail), micros(m.ExpiresAt))
		if err != nil {
			return err
		}
	}
	return nil
}

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
func (s *Store) ClaimDeliveries(ctx context.Context, now, leaseUntil time.Time, limit int, channels ...string,
) ([]storage.Delivery, error) {
	of := ""
	if len(channels) > 0 {
		of = "," + strings.Join(channels, ",") + ","
	}
	for {
		var all []storage.Delivery
		err := s.engine.Write(ctx, func(c conn) error {
			all = nil // it may be a repetition
			return c.Each(claimMail, []any{micros(now), of, micros(leaseUntil), limit}, func(row scanner) error {
				m, err := scanMail(row)
				all = append(all, m)
				return err
			})
		})
		if err != nil {
			return nil, wrapped(err, "claim mail")
		}
		if len(all) > 0 {
			slices.SortFunc(all, func(a, b storage.Delivery) int { return a.CreatedAt.Compare(b.CreatedAt) })
			return all, nil
		}
		// Nothing was due, or others took all that was looked at: there may be more.
		n, err := one(ctx, s, dueMail, []any{micros(now), of}, scanCount)
		if err != nil || n == 0 {
			return nil, wrapped(err, "due mail")
		}
	}
}

const releaseMail = `UPDATE mail SET next_at = $2 WHERE next_at = $1 AND dead_at = 0`

// ReleaseDeliveries implements storage.Outbox.
func (s *Store) ReleaseDeliveries(ctx context.Context, leaseUntil, now time.Time) error {
	_, err := s.put(ctx, releaseMail, micros(leaseUntil), micros(now))
	return wrapped(err, "release mail")
}

const mailSent = `DELETE FROM mail WHERE tenant_id = $1 AND id = $2`

// Delivered implements storage.Outbox.
func (s *Store) Delivered(ctx context.Context, tenant, id string) error {
	_, err := s.put(ctx, mailSent, tenant, id)
	return named(err, "mail sent", id)
}

const mailFailed = `
	UPDATE mail SET next_at = $3, dead_at = $4, last_error = $5
	WHERE tenant_id = $1 AND id = $2 AND attempts = $6`

// DeliveryFailed implements storage.Outbox. The count of attempts tells whose claim it is.
func (s *Store) DeliveryFailed(ctx context.Context, claimed storage.Delivery, nextAt,
	deadAt time.Time, why string,
) error {
	_, err := s.put(ctx, mailFailed, claimed.TenantID, claimed.ID, micros(nextAt), micros(deadAt), why, claimed.Attempts)
	return named(err, "mail failed", claimed.ID)
}

const deadMail = `
	SELECT ` + mailColumns + ` FROM mail
	WHERE tenant_id = $1 AND id > $2 AND dead_at <> 0
	ORDER BY id LIMIT $3`

// DeadDeliveries implements storage.Outbox.
func (s *Store) DeadDeliveries(ctx context.Context, tenant, after string, limit int) ([]storage.Delivery, error) {
	all, err := list(ctx, s, deadMail, []any{tenant, after, limit}, scanMail)
	return all, named(err, "dead mail after", after)
}

// waitingMail says < 1, and not = 0, so that PostgreSQL does not read all mail that is due, of all tenants.
const waitingMail = `
	SELECT ` + mailColumns + ` FROM mail
	WHERE tenant_id = $1 AND id > $2 AND dead_at < 1 AND template <> ''
	ORDER BY id LIMIT $3`

// WaitingDeliveries implements storage.Outbox.
func (s *Store) WaitingDeliveries(
	ctx context.Context, tenant, after string, limit int,
) ([]storage.Delivery, error) {
	all, err := list(ctx, s, waitingMail, []any{tenant, after, limit}, scanMail)
	return all, named(err, "waiting mail after", after)
}

const reviveMail = `
	UPDATE mail SET next_at = $3, dead_at = 0, attempts = 0
	WHERE tenant_id = $1 AND id = $2 AND dead_at <> 0 AND (expires_at = 0 OR expires_at > $3)`

// ReviveDelivery implements storage.Outbox.
func (s *Store) ReviveDelivery(ctx context.Context, tenant, id string, now time.Time, events ...storage.Event) error {
	err := s.mustAndRecord(ctx, storage.ErrNotFound, events, reviveMail, tenant, id, micros(now))
	return named(err, "revive mail", id)
}

const countMail = `
	SELECT (SELECT COUNT(*) FROM mail WHERE dead_at = 0), (SELECT COUNT(*) FROM mail WHERE dead_at <> 0)`

// CountDeliveries implements storage.Outbox.
func (s *Store) CountDeliveries(ctx context.Context) (queued, dead int64, err error) {
	err = s.engine.Read(ctx, func(c conn) error { return c.Row(countMail).Scan(&queued, &dead) })
	if err != nil {
		return 0, 0, fmt.Errorf("count mail: %w", err)
	}
	return queued, dead, nil
}

// mustAndRecord is must with the events of the statement, in one transaction.
func (s *Store) mustAndRecord(ctx context.Context, missing error, events []storage.Event,
	query string, args ...any,
) error {
	return s.engine.Transact(ctx, func(c conn) error {
		if err := must(c, missing, query, args...); err != nil {
			return err
		}
		return recordAll(c, events)
	})
}

// applyNews stores what tells of the change.
func applyNews(c conn, mails []storage.Delivery, events []storage.Event) error {
	if err := enqueue(c, mails); err != nil {
		return err
	}
	return recordAll(c, events)
}
