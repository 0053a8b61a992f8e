package sqldb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const sweepRevokedGrants = `
	DELETE FROM grants WHERE (tenant_id, id) IN (
		SELECT tenant_id, id FROM grants
		WHERE revoked_at <= $1 AND revoked_at >= $2 AND revoked_at <> 0 ORDER BY revoked_at LIMIT $3)
	RETURNING revoked_at`

// Prune implements storage.Histories.
func (s *Store) Prune(ctx context.Context, keep storage.Retention, now time.Time) (total int64, err error) {
	told := func(rows int64) { total += rows }
	if keep.Revoked > 0 {
		// Its row is what tells that a young code was used.
		n, err := s.sweepAll(ctx, sweepRevokedGrants, keepRevokedGrants, now.Add(-max(keep.Revoked, keepGrants)))
		if told(n); err != nil {
			return total, wrapped(err, "prune revoked grants")
		}
	}
	for after := ""; ; {
		tenants, err := s.Tenants(ctx, after, 100)
		if err != nil || len(tenants) == 0 {
			return total, err
		}
		for _, t := range tenants {
			if err := s.pruneTenant(ctx, t.ID, keep, now, told); err != nil {
				return total, named(err, "prune the history of", t.ID)
			}
			after = t.ID
		}
	}
}

const (
	// Both begin at the mark of the same name, where they ended last.
	pruneEventsOf = `
		DELETE FROM audit
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND kind = $4`
	// $4 are the kinds with a time of their own, each between blanks.
	pruneOtherEvents = `
		DELETE FROM audit
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND $4 NOT LIKE '% ' || kind || ' %'`
)

func (s *Store) pruneTenant(ctx context.Context, tenant string, keep storage.Retention, now time.Time,
	told func(int64),
) error {
	latest := afterAll
	if keep.Exported {
		var err error
		if latest, err = s.Exported(ctx, tenant); err != nil {
			return err
		}
	}
	// With other kinds it is another walk, from the beginning.
	own := " " + strings.Join(slices.Sorted(maps.Keys(keep.EventsOf)), " ") + " "
	err := s.pruneWalk(ctx, tenant, "events but"+own, keep.Events, now, latest, pruneOtherEvents, own, told)
	for kind, life := range keep.EventsOf {
		if err == nil {
			err = s.pruneWalk(ctx, tenant, "events of "+kind, life, now, latest, pruneEventsOf, kind, told)
		}
	}
	if err == nil {
		err = s.shortenAddresses(ctx, tenant, keep.Addresses, now, told)
	}
	if err == nil {
		err = s.forgetRemoved(ctx, tenant, keep, now, latest, told)
	}
	return err
}

// pruneWalk deletes events that are older than life, from where it came to last.
func (s *Store) pruneWalk(ctx context.Context, tenant, name string, life time.Duration, now time.Time, latest, query,
	kinds string, told func(int64),
) error {
	if life <= 0 {
		return nil
	}
	from, err := s.markBy(ctx, tenant, name, now)
	if err != nil {
		return err
	}
	end := min(storage.IDAt(now.Add(-life)), latest)
	if end <= from.value {
		return nil
	}
	err = s.walk(ctx, walk{edge: edgeOfAudit, do: query, args: []any{tenant}, more: []any{kinds}, from: from.value,
		end: end}, told)
	if err == nil {
		err = s.setMark(ctx, tenant, name, mark{end, now})
	}
	return err
}

const (
	dueTombs = `
		SELECT id, removed_at FROM removed_users
		WHERE tenant_id = $1 AND removed_at > $2 AND removed_at <= $3
		ORDER BY removed_at LIMIT $4`
	edgeOfUserAudit = `
		SELECT id FROM audit
		WHERE tenant_id = $1 AND user_id = $2 AND user_id <> '' AND id > $3
		ORDER BY id LIMIT 1 OFFSET $4`
	removeUserAudit = `
		DELETE FROM audit
		WHERE tenant_id = $1 AND user_id = $2 AND user_id <> '' AND id > $3 AND id <= $4`
)

// forgetRemoved deletes events about removed users after the time that is set for them. Events that were
// not exported by then are deleted for their age.
func (s *Store) forgetRemoved(ctx context.Context, tenant string, keep storage.Retention, now time.Time, latest string,
	told func(int64),
) error {
	const name, page = "removed people", 100
	if keep.Removed <= 0 {
		return nil
	}
	for {
		last, err := s.markBy(ctx, tenant, name, now)
		if err != nil {
			return err
		}
		args := []any{tenant, micros(last.at), micros(now.Add(-keep.Removed)), page}
		due, err := list(ctx, s, dueTombs, args, func(row scanner) (t mark, err error) {
			err = row.Scan(&t.value, timeColumn{&t.at})
			return t, err
		})
		if err != nil {
			return err
		}
		for _, t := range due {
			w := walk{edge: edgeOfUserAudit, do: removeUserAudit, args: []any{tenant, t.value}, end: latest}
			if err := s.walk(ctx, w, told); err != nil {
				return err
			}
			if err := s.setMark(ctx, tenant, name, mark{"", t.at}); err != nil {
				return err
			}
		}
		if len(due) < page {
			return nil
		}
	}
}

// mark is how far something has come.
type mark struct {
	value string
	at    time.Time
}

const (
	getMark = `SELECT value, at FROM marks WHERE tenant_id = $1 AND name = $2`
	putMark = `
		INSERT INTO marks (tenant_id, name, value, at)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value, at = excluded.at`
)

// mark is the zero mark when there is none.
func (s *Store) mark(ctx context.Context, tenant, name string) (mark, error) {
	m, err := one(ctx, s, getMark, []any{tenant, name}, func(row scanner) (m mark, err error) {
		err = row.Scan(&m.value, timeColumn{&m.at})
		return m, err
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return m, err
}

// markBy is mark. One that was set while a clock was ahead is none: what happened since would
// lie behind it, and be kept for ever.
func (s *Store) markBy(ctx context.Context, tenant, name string, now time.Time) (mark, error) {
	m, err := s.mark(ctx, tenant, name)
	if storage.Ahead(m.at, now) {
		m = mark{}
	}
	return m, err
}

func (s *Store) setMark(ctx context.Context, tenant, name string, m mark) error {
	_, err := s.put(ctx, putMark, tenant, name, m.value, micros(m.at))
	return err
}

const exportedMark = "exported"

// Exported implements storage.Histories.
func (s *Store) Exported(ctx context.Context, tenant string) (string, error) {
	m, err := s.mark(ctx, tenant, exportedMark)
	return m.value, named(err, "what was exported of", tenant)
}

// MarkExported implements storage.Histories.
func (s *Store) MarkExported(ctx context.Context, tenant, id string, now time.Time) error {
	return named(s.setMark(ctx, tenant, exportedMark, mark{id, now}), "mark as exported what is of", tenant)
}

const eventsAfter = `
	SELECT ` + eventColumns + ` FROM audit
	WHERE tenant_id = $1 AND id > $2 AND id < $3
	ORDER BY id LIMIT $4`

// EventsAfter implements storage.Histories.
func (s *Store) EventsAfter(ctx context.Context, tenant, after string, until time.Time,
	limit int,
) ([]storage.Event, error) {
	all, err := list(ctx, s, eventsAfter, []any{tenant, after, storage.IDAt(until), limit}, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("events of %q after %q: %w", tenant, after, err)
	}
	return all, nil
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
		query, before string
		until         time.Time
	}{
		{sweepSpent, "", now},
		{sweepExpiredSessions, keepExpiredSessions, now},
		{sweepEndedSessions, keepEndedSessions, now.Add(-24 * time.Hour)},
		{sweepGrants, keepExpiredGrants, now.Add(-keepGrants)},
		{sweepCodes, "", now},
		{sweepKeys, "", now.Add(-storage.KeepKeys)},
		{sweepExpiredMail, "", now},
		{sweepDeadMail, "", now.Add(-keepDead)},
		{sweepAnswers, "", now},
	} {
		n, err := s.sweepAll(ctx, sweep.query, sweep.before, sweep.until)
		if total += n; err != nil {
			return total, fmt.Errorf("sweep: %w", err)
		}
	}
	return total, nil
}

// sweepAll sweeps part after part, from the oldest. before, unless "", runs in the transaction of each part,
// with the same arguments.
func (s *Store) sweepAll(ctx context.Context, query, before string, until time.Time) (total int64, err error) {
	var from int64
	alone := s.engine.Write
	if before != "" {
		alone = s.engine.Transact
	}
	err = s.paced(ctx, func(rows int) (more bool, held time.Duration, err error) {
		n, last := 0, from
		err = alone(ctx, func(c conn) error {
			n, last = 0, from // it may be a repetition
			began := time.Now()
			defer func() { held = time.Since(began) }()
			if before != "" {
				if _, err := c.Exec(before, micros(until), from, rows); err != nil {
					return err
				}
			}
			return c.Each(query, []any{micros(until), from, rows}, func(row scanner) error {
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
	keepSessions = keepUses + `MAX(auth_time), MAX(` + sessionActive + `) FROM sessions WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM sessions`
	intoLastUses = `
		GROUP BY tenant_id, user_id ORDER BY tenant_id, user_id
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET
			signed_in_at = CASE WHEN excluded.signed_in_at > last_uses.signed_in_at
				THEN excluded.signed_in_at ELSE last_uses.signed_in_at END,
			active_at = CASE WHEN excluded.active_at > last_uses.active_at
				THEN excluded.active_at ELSE last_uses.active_at END`
)
