package trail

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

// EdgeOfAudit finds the event that lies so many events behind another: see parts.Walk.
const EdgeOfAudit = `SELECT id FROM audit WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3`

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

// Prune deletes events of a tenant, and shortens addresses in those that stay, as storage.Histories says. told is
// called with the number of rows of each part.
func (t *Trail) Prune(ctx context.Context, tenant string, keep storage.Retention, now time.Time,
	told func(int64),
) error {
	latest := parts.AfterAll
	if keep.Exported {
		var err error
		if latest, err = t.Exported(ctx, tenant); err != nil {
			return err
		}
	}
	// With other kinds it is another walk, from the beginning.
	own := " " + strings.Join(slices.Sorted(maps.Keys(keep.EventsOf)), " ") + " "
	err := t.pruneWalk(ctx, tenant, "events but"+own, keep.Events, now, latest, pruneOtherEvents, own, told)
	for kind, life := range keep.EventsOf {
		if err == nil {
			err = t.pruneWalk(ctx, tenant, "events of "+kind, life, now, latest, pruneEventsOf, kind, told)
		}
	}
	if err == nil {
		err = t.shortenAddresses(ctx, tenant, keep.Addresses, now, told)
	}
	if err == nil {
		err = t.forgetRemoved(ctx, tenant, keep, now, latest, told)
	}
	return err
}

// pruneWalk deletes events that are older than life, from where it came to last.
func (t *Trail) pruneWalk(ctx context.Context, tenant, name string, life time.Duration, now time.Time, latest, query,
	kinds string, told func(int64),
) error {
	if life <= 0 {
		return nil
	}
	from, err := t.markBy(ctx, tenant, name, now)
	if err != nil {
		return err
	}
	end := min(storage.IDAt(now.Add(-life)), latest)
	if end <= from.value {
		return nil
	}
	err = t.Worker.Walk(ctx, parts.Walk{
		Edge: EdgeOfAudit, Do: query, Args: []any{tenant}, More: []any{kinds}, From: from.value, End: end,
	}, told)
	if err == nil {
		err = t.setMark(ctx, tenant, name, mark{end, now})
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
	forgetLastDay   = `DELETE FROM last_days WHERE tenant_id = $1 AND user_id = $2`
	removeUserAudit = `
		DELETE FROM audit
		WHERE tenant_id = $1 AND user_id = $2 AND user_id <> '' AND id > $3 AND id <= $4`
)

// forgetRemoved deletes events about removed users after the time that is set for them. Events that were
// not exported by then are deleted for their age.
func (t *Trail) forgetRemoved(ctx context.Context, tenant string, keep storage.Retention, now time.Time, latest string,
	told func(int64),
) error {
	const name, page = "removed people", 100
	if keep.Removed <= 0 {
		return nil
	}
	for {
		last, err := t.markBy(ctx, tenant, name, now)
		if err != nil {
			return err
		}
		args := []any{tenant, column.Micros(last.at), column.Micros(now.Add(-keep.Removed)), page}
		due, err := engine.All(ctx, t.Engine, dueTombs, args, func(row engine.Scanner) (tomb mark, err error) {
			err = row.Scan(&tomb.value, column.Time(&tomb.at))
			return tomb, err
		})
		if err != nil {
			return err
		}
		for _, tomb := range due {
			w := parts.Walk{Edge: edgeOfUserAudit, Do: removeUserAudit, Args: []any{tenant, tomb.value}, End: latest}
			if err := t.Worker.Walk(ctx, w, told); err != nil {
				return err
			}
			if _, err := engine.Put(ctx, t.Engine, forgetLastDay, tenant, tomb.value); err != nil {
				return err
			}
			if err := t.setMark(ctx, tenant, name, mark{"", tomb.at}); err != nil {
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

// mark returns the zero mark when there is none.
func (t *Trail) mark(ctx context.Context, tenant, name string) (mark, error) {
	m, err := engine.One(ctx, t.Engine, getMark, []any{tenant, name}, func(row engine.Scanner) (m mark, err error) {
		err = row.Scan(&m.value, column.Time(&m.at))
		return m, err
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return m, err
}

// markBy is mark. One that was set while a clock was ahead is none: what happened since would
// lie behind it, and be kept for ever.
func (t *Trail) markBy(ctx context.Context, tenant, name string, now time.Time) (mark, error) {
	m, err := t.mark(ctx, tenant, name)
	if storage.Ahead(m.at, now) {
		m = mark{}
	}
	return m, err
}

// setMark stores how far something has come, in the place of the mark before.
func (t *Trail) setMark(ctx context.Context, tenant, name string, m mark) error {
	_, err := engine.Put(ctx, t.Engine, putMark, tenant, name, m.value, column.Micros(m.at))
	return err
}

// exportedMark names the mark of the last event that was exported. Events behind it may be kept beyond their time.
const exportedMark = "exported"

// Exported implements storage.Histories.
func (t *Trail) Exported(ctx context.Context, tenant string) (string, error) {
	m, err := t.mark(ctx, tenant, exportedMark)
	return m.value, engine.Named(err, "what was exported of", tenant)
}

// MarkExported implements storage.Histories.
func (t *Trail) MarkExported(ctx context.Context, tenant, id string, now time.Time) error {
	return engine.Named(t.setMark(ctx, tenant, exportedMark, mark{id, now}), "mark as exported what is of", tenant)
}

const eventsAfter = `
	SELECT ` + Columns + ` FROM audit
	WHERE tenant_id = $1 AND id > $2 AND id < $3
	ORDER BY id LIMIT $4`

// EventsAfter implements storage.Histories.
func (t *Trail) EventsAfter(ctx context.Context, tenant, after string, until time.Time,
	limit int,
) ([]storage.Event, error) {
	all, err := engine.All(ctx, t.Engine, eventsAfter, []any{tenant, after, storage.IDAt(until), limit}, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("events of %q after %q: %w", tenant, after, err)
	}
	return all, nil
}
