package sqldb

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// keepGrants is how long an expired grant stays: longer than any code lives, for the row
// is what tells that its code was used.
const keepGrants = 15 * time.Minute

// Ended sessions are kept for a day, so that an administrator can look at them, and keys for
// storage.KeepKeys. What else has expired is refused for its age alone, and is deleted at once. $1 is until
// when, $2 from when:
// of the part before that nothing is left but what PostgreSQL has yet to vacuum. $3 is how
// many rows.
const (
	sweepSpent = `
		DELETE FROM spent_values WHERE (tenant_id, purpose, hash) IN (
			SELECT tenant_id, purpose, hash FROM spent_values
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)
		RETURNING expires_at`
	sweepExpiredSessions = `
		DELETE FROM sessions WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM sessions
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)
		RETURNING expires_at`
	sweepEndedSessions = `
		DELETE FROM sessions WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM sessions
			WHERE ended_at <= $1 AND ended_at >= $2 AND ended_at <> 0 ORDER BY ended_at LIMIT $3)
		RETURNING ended_at`
	sweepGrants = `
		DELETE FROM grants WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM grants
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)
		RETURNING expires_at`
	sweepCodes = `
		DELETE FROM codes WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM codes
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)
		RETURNING expires_at`
	sweepKeys = `
		DELETE FROM keys WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM keys
			WHERE expires_at <= $1 AND expires_at >= $2 AND expires_at <> 0 ORDER BY expires_at LIMIT $3)
		RETURNING expires_at`
	sweepExpiredMail = `
		DELETE FROM mail WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM mail
			WHERE expires_at <= $1 AND expires_at >= $2 AND expires_at <> 0 AND dead_at = 0 ORDER BY expires_at LIMIT $3)
		RETURNING expires_at`
	sweepDeadMail = `
		DELETE FROM mail WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM mail
			WHERE dead_at <= $1 AND dead_at >= $2 AND dead_at <> 0 ORDER BY dead_at LIMIT $3)
		RETURNING dead_at`
)

// keepDead is how long a mail that was given up stays: for its operator to find, and no
// longer, because it holds an address.
const keepDead = 30 * 24 * time.Hour

// Sweep implements storage.Maintenance. The audit trail is kept.
func (s *Store) Sweep(ctx context.Context, now time.Time) (total int64, err error) {
	for _, sweep := range [...]struct {
		query string
		until time.Time
	}{
		{sweepSpent, now},
		{sweepExpiredSessions, now},
		{sweepEndedSessions, now.Add(-24 * time.Hour)},
		{sweepGrants, now.Add(-keepGrants)},
		{sweepCodes, now},
		{sweepKeys, now.Add(-storage.KeepKeys)},
		{sweepExpiredMail, now},
		{sweepDeadMail, now.Add(-keepDead)},
	} {
		n, err := s.sweepAll(ctx, sweep.query, sweep.until)
		if total += n; err != nil {
			return total, fmt.Errorf("sweep: %w", err)
		}
	}
	return total, nil
}

// sweepAll sweeps part after part, from the oldest.
func (s *Store) sweepAll(ctx context.Context, query string, until time.Time) (total int64, err error) {
	var from int64
	err = s.paced(ctx, func(rows int) (more bool, held time.Duration, err error) {
		n, last := 0, from
		err = s.engine.write(ctx, func(c conn) error {
			n, last = 0, from // it may be a repetition
			began := time.Now()
			defer func() { held = time.Since(began) }()
			return c.each(query, []any{micros(until), from, rows}, func(row scanner) error {
				n++
				var at int64
				err := row.Scan(&at)
				last = max(last, at)
				return err
			})
		})
		if err == nil {
			total, from = total+int64(n), last
		}
		return n == rows, held, err
	})
	return total, err
}
