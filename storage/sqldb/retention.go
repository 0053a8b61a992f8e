package sqldb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/outbox"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/uploads"
)

// sweepRevokedGrants deletes grants for their revocation, long before they would expire.
const sweepRevokedGrants = `
	DELETE FROM grants WHERE (tenant_id, id) IN (
		SELECT tenant_id, id FROM grants
		WHERE revoked_at <= $1 AND revoked_at >= $2 AND revoked_at <> 0 ORDER BY revoked_at LIMIT $3)
	RETURNING revoked_at`

// sweepOutside deletes outside clients that nothing refers to: no grant, and no consent of the last days. Older
// consents without a grant are of clients that never came for their tokens. A consent that is given at the same moment
// goes with the client: its user is asked again.
const sweepOutside = `
	DELETE FROM clients WHERE (tenant_id, id) IN (
		SELECT tenant_id, id FROM clients
		WHERE origin <> '' AND verdict = '' AND created_at <= $1 AND created_at >= $2 AND removed_at = 0
			AND NOT EXISTS (SELECT 1 FROM consents
				WHERE consents.tenant_id = clients.tenant_id AND consents.client_id = clients.id
					AND consents.granted_at > $1)
			AND NOT EXISTS (SELECT 1 FROM grants
				WHERE grants.tenant_id = clients.tenant_id AND grants.client_id = clients.id)
		ORDER BY created_at LIMIT $3)
	RETURNING created_at`

// Prune implements storage.Histories.
func (s *Store) Prune(ctx context.Context, keep storage.Retention, now time.Time) (total int64, err error) {
	told := func(rows int64) { total += rows }
	if keep.Revoked > 0 {
		// Its row is what tells that a young code was used.
		n, err := s.sweepAll(ctx, sweepRevokedGrants, []string{keepRevokedGrants, outbox.KeepRevokedTakers},
			now.Add(-max(keep.Revoked, keepGrants)))
		if told(n); err != nil {
			return total, engine.Wrapped(err, "prune revoked grants")
		}
	}
	n, err := s.sweepAll(ctx, sweepOutside, nil, now.Add(-storage.KeepOutside))
	if told(n); err != nil {
		return total, engine.Wrapped(err, "prune outside clients")
	}
	for after := ""; ; {
		tenants, err := s.Tenants(ctx, after, 100)
		if err != nil || len(tenants) == 0 {
			return total, err
		}
		for _, t := range tenants {
			if err := s.Trail.Prune(ctx, t.ID, keep, now, told); err != nil {
				return total, engine.Named(err, "prune the history of", t.ID)
			}
			if err := s.Trail.PruneCounts(ctx, t.ID, keep, now); err != nil {
				return total, err
			}
			after = t.ID
		}
	}
}

// Tally implements storage.Statistics.
func (s *Store) Tally(ctx context.Context, now time.Time) error {
	for after := ""; ; {
		tenants, err := s.Tenants(ctx, after, 100)
		if err != nil || len(tenants) == 0 {
			return engine.Wrapped(err, "count sign-ins")
		}
		for _, t := range tenants {
			if err := s.Trail.Tally(ctx, t.ID, now); err != nil && !errors.Is(err, storage.ErrStale) {
				return engine.Named(err, "count sign-ins of", t.ID)
			}
			after = t.ID
		}
	}
}

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
	sweepAPIKeys = `
		DELETE FROM api_keys WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM api_keys
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)
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

// keepAPIKeys is how long an expired API key stays, for its owner to see why a program is refused.
const keepAPIKeys = 30 * 24 * time.Hour

// Sweep implements storage.Maintenance. The audit trail is kept.
func (s *Store) Sweep(ctx context.Context, now time.Time) (total int64, err error) {
	for _, sweep := range [...]struct {
		query  string
		before []string
		until  time.Time
	}{
		{sweepSpent, nil, now},
		{sweepExpiredSessions, []string{keepExpiredSessions, outbox.TellExpired, outbox.TellExpiredFormer}, now},
		{sweepEndedSessions, []string{keepEndedSessions}, now.Add(-24 * time.Hour)},
		{sweepGrants, []string{keepExpiredGrants, outbox.KeepTakers}, now.Add(-keepGrants)},
		{sweepCodes, nil, now},
		{sweepKeys, nil, now.Add(-storage.KeepKeys)},
		{sweepAPIKeys, nil, now.Add(-keepAPIKeys)},
		{sweepExpiredMail, nil, now},
		{sweepDeadMail, nil, now.Add(-keepDead)},
		{trail.SweepAnswers, nil, now},
		{outbox.SweepDeliveries, nil, now.Add(-keepDead)},
		{outbox.SweepFeeds, nil, now.Add(-keepDead)},
		{outbox.SweepLogouts, nil, now.Add(-keepDead)},
		{uploads.SweepImports, nil, now},
	} {
		n, err := s.sweepAll(ctx, sweep.query, sweep.before, sweep.until)
		if total += n; err != nil {
			return total, fmt.Errorf("sweep: %w", err)
		}
	}
	return total, nil
}

// sweepAll sweeps part after part, from the oldest. The queries of before run in the transaction of each part, with the
// same arguments.
func (s *Store) sweepAll(ctx context.Context, query string, before []string, until time.Time) (total int64, err error) {
	var from int64
	alone := s.engine.Write
	if len(before) > 0 {
		alone = s.engine.Transact
	}
	err = s.worker.InParts(ctx, func(rows int) (more bool, held time.Duration, err error) {
		n, last := 0, from
		err = alone(ctx, func(c conn) error {
			n, last = 0, from // it may be a repetition
			began := time.Now()
			defer func() { held = time.Since(began) }()
			for _, first := range before {
				if _, err := c.Exec(first, column.Micros(until), from, rows); err != nil {
					return err
				}
			}
			return c.Each(query, []any{column.Micros(until), from, rows}, func(row scanner) error {
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

// Before sessions and grants are deleted for their age, last_uses takes over when their users signed in and were
// active. The conditions are those of the statements that delete, whose names begin with sweep.
const (
	keepExpiredSessions = keepSessions + `
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)` + intoLastUses
	keepEndedSessions = keepSessions + `
			WHERE ended_at <= $1 AND ended_at >= $2 AND ended_at <> 0 ORDER BY ended_at LIMIT $3)` + intoLastUses
	keepExpiredGrants = keepUses + `0, MAX(` + grantActive + `) FROM grants WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM grants
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)` + intoLastUses
	keepRevokedGrants = keepUses + `0, MAX(` + grantActive + `) FROM grants WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM grants
			WHERE revoked_at <= $1 AND revoked_at >= $2 AND revoked_at <> 0 ORDER BY revoked_at LIMIT $3)` + intoLastUses

	keepUses = `
		INSERT INTO last_uses (tenant_id, user_id, signed_in_at, active_at)
		SELECT tenant_id, user_id, `
	keepSessions = keepUses + `MAX(auth_time), MAX(` + sessionActive + `) FROM sessions
		WHERE actor_id = '' AND (tenant_id, id) IN (
			SELECT tenant_id, id FROM sessions`
	intoLastUses = `
		GROUP BY tenant_id, user_id ORDER BY tenant_id, user_id
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET
			signed_in_at = CASE WHEN excluded.signed_in_at > last_uses.signed_in_at
				THEN excluded.signed_in_at ELSE last_uses.signed_in_at END,
			active_at = CASE WHEN excluded.active_at > last_uses.active_at
				THEN excluded.active_at ELSE last_uses.active_at END`
)
