package trail

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

const (
	// tallyMark names the mark of the last event that was counted.
	tallyMark = "tally"
	// addedMark names the mark of the last event that was looked at for accounts that were added.
	addedMark = "added"
	// tallyAge is how old events are when they are counted: by then, those with lesser ids are stored, too.
	tallyAge = 2 * time.Minute
	// tallyBack is how far back events are counted that were there before anything was.
	tallyBack = 366 * 24 * time.Hour

	moveMark = `UPDATE marks SET value = $4, at = $5 WHERE tenant_id = $1 AND name = $2 AND value = $3`

	inPart    = ` FROM audit WHERE tenant_id = $1 AND id > $2 AND id <= $3`
	addCounts = ` ON CONFLICT (tenant_id, day, kind, how) DO UPDATE SET count = day_counts.count + excluded.count`
	intoDays  = `INSERT INTO day_counts (tenant_id, day, kind, how, count) `

	tallySignInsSQLite   = tallySignIns + howSQLite + tallyWays
	tallySignInsPostgres = tallySignIns + howPostgres + tallyWays
	tallySignIns         = intoDays + `
		SELECT tenant_id, day, kind, how, COUNT(*) FROM (
			SELECT tenant_id, at / ` + dayLength + ` AS day, kind, `
	tallyWays = ` AS how` + inPart + ` AND kind IN ('login.succeeded', 'login.failed')) AS found
		WHERE TRUE GROUP BY tenant_id, day, kind, how` + addCounts

	tallyAdded = intoDays + `
		SELECT tenant_id, day, 'user.added', '', COUNT(*) FROM (
			SELECT tenant_id, at / ` + dayLength + ` AS day` + inPart + addedAccount + `) AS found
		WHERE TRUE GROUP BY tenant_id, day` + addCounts

	signedIn = inPart + byUsers

	// Who was counted in that period, or a later one, is not counted again.
	tallyDays           = tallyActive + `active` + tallyPeriod + `at / ` + dayLength + tallyOnce
	tallyWeeks          = tallyActive + `week` + tallyPeriod + week + tallyOnce
	tallyMonthsSQLite   = tallyActive + `month` + tallyPeriod + monthSQLite + tallyOnce
	tallyMonthsPostgres = tallyActive + `month` + tallyPeriod + monthPostgres + tallyOnce
	tallyActive         = intoDays + `
		SELECT tenant_id, day, '`
	tallyPeriod = `', '', COUNT(*) FROM (
			SELECT DISTINCT tenant_id, `
	tallyOnce = ` AS day, user_id` + signedIn + `) AS found
		WHERE ` + lastDay + ` < found.day
		GROUP BY tenant_id, day` + addCounts

	// latest are the users of the part, with the last day of each.
	latest = `SELECT tenant_id, user_id, MAX(at / ` + dayLength + `) AS day` + signedIn + ` GROUP BY tenant_id, user_id`

	tallyLatest = intoDays + `
		SELECT tenant_id, day, 'latest', '', COUNT(*) FROM (` + latest + `) AS found
		WHERE ` + lastDay + ` < found.day
		GROUP BY tenant_id, day` + addCounts
	tallyFormer = intoDays + `
		SELECT tenant_id, former, 'latest', '', -COUNT(*) FROM (
			SELECT tenant_id, day, ` + lastDay + ` AS former FROM (` + latest + `) AS found) AS found
		WHERE former >= 0 AND former < day
		GROUP BY tenant_id, former` + addCounts
	tallyUsers = `
		INSERT INTO last_days (tenant_id, user_id, day)
		SELECT tenant_id, user_id, day FROM (` + latest + `) AS found
		WHERE TRUE ON CONFLICT (tenant_id, user_id) DO UPDATE SET day = excluded.day WHERE last_days.day < excluded.day`
)

// Tally does for one tenant what storage.Statistics says. ErrStale: another replica has counted the events meanwhile.
func (t *Trail) Tally(ctx context.Context, tenant string, now time.Time) error {
	err := t.tally(ctx, tenant, tallyMark, now, []string{
		t.text(tallySignInsSQLite, tallySignInsPostgres), tallyDays, tallyWeeks,
		t.text(tallyMonthsSQLite, tallyMonthsPostgres), tallyLatest, tallyFormer, tallyUsers,
	})
	if err != nil && !errors.Is(err, storage.ErrStale) {
		return err
	}
	return errors.Join(err, t.tally(ctx, tenant, addedMark, now, []string{tallyAdded}))
}

// tally runs the queries for the events behind a mark, part after part.
func (t *Trail) tally(ctx context.Context, tenant, name string, now time.Time, queries []string) error {
	last, err := t.mark(ctx, tenant, name)
	if err != nil {
		return err
	}
	first := last.value == ""
	if first {
		last.value = storage.IDAt(now.Add(-tallyBack))
	}
	end := storage.IDAt(now.Add(-tallyAge))
	next, err := t.Worker.Edge(ctx, parts.Walk{Edge: EdgeOfAudit, Args: []any{tenant}}, last.value, 1)
	switch {
	case errors.Is(err, storage.ErrNotFound), err == nil && next.(string) > end:
		return nil
	case err == nil && first:
		err = t.setMark(ctx, tenant, name, mark{last.value, now})
	}
	if err != nil {
		return err
	}
	return t.Worker.Walk(ctx, parts.Walk{Edge: EdgeOfAudit, Args: []any{tenant}, From: last.value, End: end,
		Run: func(c engine.Conn, args []any) (int64, error) {
			return 0, tallyPart(c, name, args, now, queries)
		}}, func(int64) {})
}

// tallyPart counts the events with ids after one up to another: these are the arguments, behind the tenant.
func tallyPart(c engine.Conn, name string, args []any, now time.Time, queries []string) error {
	tenant, from, to := args[0], args[1], args[2]
	if err := engine.Must(c, storage.ErrStale, moveMark, tenant, name, from, to, column.Micros(now)); err != nil {
		return err
	}
	for _, query := range queries {
		query = inZone(query, now.AddDate(-zoneYears, 0, 0), now.AddDate(0, 0, 1))
		if _, err := c.Exec(query, tenant, from, to); err != nil {
			return err
		}
	}
	return nil
}

// pruneDays deletes what the statistics keep no longer. Of the users whose last day it was, the last 30 days are shown.
const pruneDays = `
	DELETE FROM day_counts WHERE tenant_id = $1
	AND day < CASE kind WHEN 'week' THEN CAST($2 AS BIGINT) WHEN 'month' THEN CAST($3 AS BIGINT)
		WHEN 'latest' THEN CAST($4 AS BIGINT) ELSE CAST($5 AS BIGINT) END`

// PruneCounts deletes the counts of days, weeks and months that are kept no longer. Days are those of the zone of now.
func (t *Trail) PruneCounts(ctx context.Context, tenant string, keep storage.Retention, now time.Time) error {
	if keep.Days == 0 {
		return nil
	}
	today := numberOf(now)
	y, m, _ := now.Date()
	month := time.Date(y, m-time.Month(keep.Months-1), 1, 0, 0, 0, 0, time.UTC)
	_, err := engine.Put(ctx, t.Engine, pruneDays, tenant, today-(today+3)%7-7*int64(keep.Weeks-1), numberOf(month),
		today-int64(max(keep.Days, 31)-1), today-int64(keep.Days-1))
	return engine.Named(err, "prune the statistics of", tenant)
}
