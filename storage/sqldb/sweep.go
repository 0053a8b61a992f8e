package sqldb

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch bounds the rows that one statement deletes, and so how long it holds up
// others; the texts below say the same number.
const sweepBatch = 1000

// keepGrants is how long an expired grant stays: longer than any code lives, for the row
// is what tells that its code was used.
const keepGrants = 15 * time.Minute

// Ended sessions are kept for a day, for those who ask what happened. What else has
// expired is refused for its age alone, and goes at once.
const (
	sweepSpent = `
		DELETE FROM spent_values WHERE (tenant_id, purpose, hash) IN (
			SELECT tenant_id, purpose, hash FROM spent_values
			WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)`
	sweepExpiredSessions = `
		DELETE FROM sessions WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM sessions
			WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)`
	sweepEndedSessions = `
		DELETE FROM sessions WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM sessions
			WHERE ended_at <= $1 AND ended_at <> 0 ORDER BY ended_at LIMIT 1000)`
	sweepGrants = `
		DELETE FROM grants WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM grants
			WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)`
	sweepCodes = `
		DELETE FROM codes WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM codes
			WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)`
	sweepKeys = `
		DELETE FROM keys WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM keys
			WHERE expires_at <= $1 AND expires_at <> 0 ORDER BY expires_at LIMIT 1000)`
	sweepExpiredMail = `
		DELETE FROM mail WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM mail
			WHERE expires_at <= $1 AND expires_at <> 0 AND dead_at = 0 ORDER BY expires_at LIMIT 1000)`
	sweepDeadMail = `
		DELETE FROM mail WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM mail
			WHERE dead_at <= $1 AND dead_at <> 0 ORDER BY dead_at LIMIT 1000)`
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
		{sweepKeys, now},
		{sweepExpiredMail, now},
		{sweepDeadMail, now.Add(-keepDead)},
	} {
		for n := int64(sweepBatch); n == sweepBatch; total += n {
			if n, err = s.put(ctx, sweep.query, micros(sweep.until)); err != nil {
				return total, fmt.Errorf("sweep: %w", err)
			}
		}
	}
	return total, nil
}
