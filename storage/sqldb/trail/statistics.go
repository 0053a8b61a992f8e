package trail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

// dayLength is the length of a day in the unit of audit.at.
const dayLength = `86400000000`

// Each query adds what was counted before to what is in events that were not: those behind the mark. It is one
// statement, so that none is counted twice, or left out, while a Tally moves the mark. The ids of events begin with
// their time. The last event to count is part of each query: an old trail has millions of events behind the mark while
// the first Tally goes on. PostgreSQL knows neither: it would expect many events, and compile the query and start
// workers for them, which takes longer than to count them; so they have a LIMIT, too.
const (
	mostUncounted = 10_000
	uncounted     = ` FROM (
		SELECT * FROM audit WHERE tenant_id = $1 AND id > COALESCE((
			SELECT value FROM marks WHERE marks.tenant_id = $1 AND name = 'tally' AND value > $3), $3)
			AND id <= $4
		ORDER BY id LIMIT 10000) AS found WHERE TRUE`

	// lastDay is the last day that was counted of the user of a row of found. It is a value, so that PostgreSQL looks it
	// up for each row: it would join all users of the tenant otherwise.
	lastDay = `(SELECT COALESCE(MAX(last_days.day), -1) FROM last_days
		WHERE last_days.tenant_id = $1 AND last_days.user_id = found.user_id)`

	signInsSQLite   = signInsCounted + howSQLite + signInsNew
	signInsPostgres = signInsCounted + howPostgres + signInsNew
	signInsCounted  = `
		SELECT day, kind, how, SUM(n) FROM (
			SELECT day, kind, how, count AS n FROM day_counts
			WHERE tenant_id = $1 AND day >= $2 AND kind IN ('login.succeeded', 'login.failed')
			UNION ALL
			SELECT at / ` + dayLength + `, kind, `
	signInsNew = `, 1` + uncounted + ` AND kind IN ('login.succeeded', 'login.failed')) AS found
		GROUP BY day, kind, how ORDER BY day, kind, how`

	howSQLite = `COALESCE(CASE kind WHEN 'login.succeeded' THEN json_extract(detail, '$.amr')
		ELSE json_extract(detail, '$.reason') END, '')`
	howPostgres = `COALESCE(CASE kind WHEN 'login.succeeded' THEN detail::json->>'amr'
		ELSE detail::json->>'reason' END, '')`

	// byUsers are the events of active users.
	byUsers = ` AND kind IN ('login.succeeded', 'session.refreshed') AND user_id <> ''`

	// active are the days on which users were active.
	active = `SELECT DISTINCT at / ` + dayLength + ` AS day, user_id` + uncounted + byUsers

	// The first day of a week and of a month. Day 4 of 1970 was a Monday.
	week        = `at / ` + dayLength + ` - (at / ` + dayLength + ` + 3) % 7`
	monthSQLite = `CAST(strftime('%s', at / ` + dayLength + ` * 86400, 'unixepoch', 'start of month')
		AS INTEGER) / 86400`
	monthPostgres = `CAST(EXTRACT(EPOCH FROM
		date_trunc('month', to_timestamp(at / ` + dayLength + ` * 86400) AT TIME ZONE 'UTC')) AS BIGINT) / 86400`

	activeByDay           = activeCounted + `active` + activeNew + `at / ` + dayLength + activeUncounted
	activeByWeek          = activeCounted + `week` + activeNew + week + activeUncounted
	activeByMonthSQLite   = activeCounted + `month` + activeNew + monthSQLite + activeUncounted
	activeByMonthPostgres = activeCounted + `month` + activeNew + monthPostgres + activeUncounted
	activeCounted         = `
		SELECT day, SUM(n) FROM (
			SELECT day, count AS n FROM day_counts
			WHERE tenant_id = $1 AND day >= $2 AND kind = '`
	activeNew = `'
			UNION ALL
			SELECT day, 1 FROM (SELECT DISTINCT `
	activeUncounted = ` AS day, user_id` + uncounted + byUsers + `) AS found
			WHERE ` + lastDay + ` < found.day AND found.day >= $2) AS found
		GROUP BY day ORDER BY day`
	activeUsers = `
		SELECT (
			SELECT COALESCE(SUM(count), 0) FROM day_counts
			WHERE tenant_id = $1 AND day >= $2 AND kind = 'latest')
		+ (
			SELECT COUNT(DISTINCT user_id) FROM (` + active + `) AS found
			WHERE ` + lastDay + ` < $2)`
)

// Accounts that were added, but for those of imports, have a mark of their own: releases that did not count them have
// moved the other.
const (
	addedAccount = ` AND kind = 'user.added' AND detail NOT LIKE '%"by":"import"%'`
	signUps      = `
		SELECT day, SUM(n) FROM (
			SELECT day, count AS n FROM day_counts
			WHERE tenant_id = $1 AND day >= $2 AND kind = 'user.added'
			UNION ALL
			SELECT at / ` + dayLength + `, 1 FROM (
				SELECT * FROM audit WHERE tenant_id = $1 AND id > COALESCE((
					SELECT value FROM marks WHERE marks.tenant_id = $1 AND name = 'added' AND value > $3), $3)
				ORDER BY id LIMIT 10000) AS found WHERE TRUE` + addedAccount + `) AS found
		WHERE day >= $2 GROUP BY day ORDER BY day`
)

// SignUps implements storage.Statistics.
func (t *Trail) SignUps(ctx context.Context, tenant string, since, now time.Time) ([]storage.Active, error) {
	scan := func(row engine.Scanner) (v storage.Active, err error) {
		var day int64
		err = row.Scan(&day, &v.Users)
		v.First = dayOf(day)
		return v, err
	}
	args := []any{tenant, numberOf(since), storage.IDAt(since)}
	all, err := engine.All(ctx, t.Engine, inZone(signUps, since, now.AddDate(0, 0, 1)), args, scan)
	return all, engine.Named(err, "accounts added to", tenant)
}

// dayOf returns the beginning of a day in UTC that is counted from 1970.
func dayOf(n int64) time.Time { return time.Unix(n*24*60*60, 0).UTC() }

// numberOf returns the number of the date of a time, in its zone.
func numberOf(at time.Time) int64 {
	y, m, d := at.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// inZone returns the query with the days of a zone instead of those of UTC. It knows how far the clocks of the zone are
// ahead of UTC between two times.
func inZone(query string, from, to time.Time) string {
	var shift strings.Builder
	for {
		_, ahead := from.Zone()
		_, end := from.ZoneBounds()
		if last := end.IsZero() || end.After(to); last && shift.Len() == 0 && ahead == 0 {
			return query
		} else if last {
			local := fmt.Sprint(ahead * 1_000_000)
			if shift.Len() > 0 {
				local = "CASE" + shift.String() + " ELSE " + local + " END"
			}
			return strings.ReplaceAll(query, "at / "+dayLength, "(at + "+local+") / "+dayLength)
		}
		fmt.Fprintf(&shift, " WHEN at < %d THEN %d", end.UnixMicro(), ahead*1_000_000)
		from = end
	}
}

// zoneYears is how many years of a zone's clocks a query knows.
const zoneYears = 6

// sinceIn returns the query for events from a time on.
func sinceIn(query string, since time.Time) string {
	return inZone(query, since, since.AddDate(zoneYears, 0, 0))
}

// sinceArgs returns the arguments of the queries.
func sinceArgs(tenant string, since time.Time, to storage.Counted) []any {
	return []any{tenant, numberOf(since), storage.IDAt(since), cmp.Or(to.Event, parts.AfterAll)}
}

// Counted implements storage.Statistics.
func (t *Trail) Counted(ctx context.Context, tenant string, most int, now time.Time) (storage.Counted, error) {
	last, err := t.mark(ctx, tenant, tallyMark)
	if err != nil {
		return storage.Counted{}, engine.Named(err, "what is counted of", tenant)
	}
	from := cmp.Or(last.value, storage.IDAt(now.Add(-tallyBack)))
	edge, err := t.Worker.Edge(ctx, parts.Walk{Edge: EdgeOfAudit, Args: []any{tenant}}, from, min(most, mostUncounted))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return storage.Counted{Until: now}, nil
	case err != nil:
		return storage.Counted{}, engine.Named(err, "what is counted of", tenant)
	}
	id := edge.(string)
	return storage.Counted{Event: id, Until: storage.TimeOf(id)}, nil
}

// SignIns implements storage.Statistics.
func (t *Trail) SignIns(
	ctx context.Context, tenant string, since time.Time, to storage.Counted,
) ([]storage.SignIns, error) {
	scan := func(row engine.Scanner) (v storage.SignIns, err error) {
		var day int64
		var kind string
		err = row.Scan(&day, &kind, &v.How, &v.Count)
		v.Day, v.Failed = dayOf(day), kind == storage.EventLoginFailed
		return v, err
	}
	query := sinceIn(t.text(signInsSQLite, signInsPostgres), since)
	all, err := engine.All(ctx, t.Engine, query, sinceArgs(tenant, since, to), scan)
	return all, engine.Named(err, "sign-ins of", tenant)
}

// ActiveBy implements storage.Statistics.
func (t *Trail) ActiveBy(
	ctx context.Context, tenant string, period storage.Period, since time.Time, to storage.Counted,
) ([]storage.Active, error) {
	query := activeByDay
	switch period {
	case storage.Week:
		query = activeByWeek
	case storage.Month:
		query = t.text(activeByMonthSQLite, activeByMonthPostgres)
	}
	scan := func(row engine.Scanner) (v storage.Active, err error) {
		var day int64
		err = row.Scan(&day, &v.Users)
		v.First = dayOf(day)
		return v, err
	}
	all, err := engine.All(ctx, t.Engine, sinceIn(query, since), sinceArgs(tenant, since, to), scan)
	return all, engine.Named(err, "active users of", tenant)
}

// ActiveUsers implements storage.Statistics.
func (t *Trail) ActiveUsers(
	ctx context.Context, tenant string, since time.Time, to storage.Counted,
) (int64, error) {
	n, err := engine.One(ctx, t.Engine, sinceIn(activeUsers, since), sinceArgs(tenant, since, to), engine.ScanCount)
	return n, engine.Named(err, "active users of", tenant)
}
